//! Sends and reads raw bytes.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::program::LONG;

/// Sends `request` and reads until the server closes the connection.
///
/// The request should have `connection: close`.
pub(crate) async fn exchange(addr: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    timeout(LONG, read)
        .await
        .expect("the connection stayed open")
        .unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads until the bytes end with `end`.
pub(crate) async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).ends_with(end) {
        let byte = timeout(LONG, socket.read_u8()).await;
        read.push(
            byte.expect("no data arrived in time")
                .expect("the connection was closed"),
        );
    }
    String::from_utf8(read).unwrap()
}
