//! Bytes as they are sent.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::program::LONG;

/// Sends `request` and reads until the other side closes, as a request with `connection: close` has it.
pub(crate) async fn exchange(addr: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    timeout(LONG, read)
        .await
        .expect("it is not closed")
        .unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads until `end` was read.
pub(crate) async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).ends_with(end) {
        let byte = timeout(LONG, socket.read_u8()).await;
        read.push(byte.expect("nothing comes").expect("it is closed"));
    }
    String::from_utf8(read).unwrap()
}
