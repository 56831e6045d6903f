//! Counts the cost of a scope that calls share (`cargo bench --bench scope`).
//!
//! - *No queue*: each round takes and returns a permit. This is measured for the pacer alone, for
//!   the handle, which locks the scope both times, and for a whole call through the handle from its
//!   start to its drop.
//! - *Queue*: as many calls as the row says wait for a permit, and twenty are in flight. In each
//!   round one permit comes back, the oldest call is offered it, asks and gets it, and a new call
//!   arrives and waits. The queue therefore keeps its length, and a round has all the steps of one
//!   call. Through the handle, this includes the call's waker and the scope's alarms. Each round is
//!   checked. Exactly one permit must come back, and one call must be woken.
//! - *Threads*: several threads only take and return permits. This is the hardest case, because any
//!   real call does more between two permits. The threads share one scope, share only the handle
//!   with a scope each, or have a handle each.
//!
//! valgrind counts the first two. Threads can only be timed. Each number of threads runs in turn,
//! for a moment each, again and again, so other load on the machine affects all of them equally.
//! Each time is compared with that of one thread in the same turn. Threads with a handle each share
//! nothing. They show how many processors were available, and the other numbers mean little without
//! that.
//!
//! The clock is a number in memory, so reading it costs almost nothing.

use breather_benches::{Cost, Costs};

mod manual_timer;
mod queue;
mod quiet;
mod threads;

fn main() {
    let quiet = quiet::cases();
    let queues = queue::queues();
    let queued = queues.iter().flat_map(|queue| &queue.cases);
    let Some(costs) = Costs::count(quiet.iter().chain(queued)) else {
        return;
    };
    let columns = format!("{:>16} {:>12}", costs.unit(), "allocations");
    println!("{:WIDTH$} {columns} {:>12}", "", "bytes each");
    println!("a permit taken and returned, nobody waits");
    for (case, cost) in quiet.iter().zip(costs.each()) {
        println!("  {:INDENTED$} {}", case.name(), shown(*cost));
    }
    println!("a call that waits, in a queue of");
    let mut waiting = costs.each().iter().zip(costs.weights()).skip(quiet.len());
    for queue in &queues {
        println!("  {}", queue.name);
        let mut shortest = None;
        for (length, (cost, weight)) in queue::LENGTHS.iter().zip(&mut waiting) {
            let &mut (least, bytes) = shortest.get_or_insert((*length, *weight));
            let more = weight.zip(bytes).map(|(weight, bytes)| weight - bytes);
            let each = more.and_then(|more| more.checked_div((length - least) as i64));
            let each = each.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
            let cost = shown(*cost);
            println!("  {:>1$} {cost} {each:>12}", thousands(*length), INDENTED);
        }
    }
    threads::print();
    println!("{NOTES}");
}

fn thousands(number: usize) -> String {
    match number {
        1_000.. => format!("{},{:03}", number / 1_000, number % 1_000),
        _ => number.to_string(),
    }
}

fn shown(cost: Cost) -> String {
    let allocations = cost
        .allocations()
        .map_or_else(|| "-".to_owned(), |count| count.to_string());
    format!("{:>16} {allocations:>12}", cost.work())
}

const WIDTH: usize = 54;
const INDENTED: usize = WIDTH - 2;

const NOTES: &str = "
a call that waits:  all that one takes, from its coming to its answer, while the queue stays as long as it is
bytes each:         over the shortest queue; through the handle, with the call itself
threads:            permits a second of all threads, over those of one thread in the same turn: medians, and where
                    half of the turns lie. Where a handle each gives no more than one thread, the machine was busy.";
