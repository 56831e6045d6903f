//! What a scope costs that calls share: `cargo bench --bench scope`.
//!
//! - *Nobody waits*: a permit is taken and returned at once. Of the pacer alone, then through the handle, with the
//!   scope's lock both times, and then of all that a call takes through the handle from its start to its drop.
//! - *Others wait*: as many calls as the row says wait for a permit, and twenty are in flight. In each round one
//!   comes back, so that the oldest call is offered its permit, asks and has it; and a new call comes and waits. So
//!   the queue stays as long as it is, and a round is all that one call takes. Through the handle, that is
//!   with its waker and the scope's alarms. Each round is checked: one permit came back, and one call was woken.
//! - *Threads*: several threads take and return permits and do nothing else. There is no harder case: any
//!   call does more between two permits than ask for them. They share one scope, or have one each and share the handle
//!   only.
//!
//! The first two are counted by valgrind. Threads can but be timed: each number of them in its turn, for a moment
//! each, again and again. What a machine is doing besides, it then does to all of them; and each time is
//! compared to that of one thread in the same turn. Threads with a handle each share nothing: they show how many
//! processors there were to be had, without which nothing is to be learned of the others.
//!
//! The clock is a number in memory, so that reading it costs next to nothing.

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
