//! How close to the best possible the scheduler comes, as a table: makespan over lower bound on a virtual clock, over
//! seeded backlogs of three kinds and six sizes. The figures are exact; nothing is timed.

#[path = "../tests/support/backlogs.rs"]
mod backlogs;
#[path = "../tests/support/tasks.rs"]
mod tasks;

use autoissue::rules::settings::Policy;
use backlogs::{Ratios, Run, ratios};

const SLOTS: [u32; 4] = [3, 8, 16, 32];
const SMALL: [u64; 2] = [20, 50];
const LARGE: [u64; 4] = [100, 200, 500, 1000];

#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn main() {
    // `cargo test` and `cargo bench` call benches with options of their own; any argument that is a number is the seeds.
    let seeds = std::env::args().find_map(|word| word.parse().ok());
    let seeds = seeds.unwrap_or(10);
    println!("makespan / lower bound: mean (worst group), {seeds} seeds a group");
    println!("| policy | tasks | m=3 | m=8 | m=16 | m=32 |");
    println!("|---|---|---|---|---|---|");
    for (name, policy, wrong) in [
        ("domain", Policy::Domain, false),
        ("footprint", Policy::Footprint, false),
        (
            "footprint, estimates off by sigma 0.6",
            Policy::Footprint,
            true,
        ),
    ] {
        for (size, counts) in [("20, 50", &SMALL[..]), ("100 to 1000", &LARGE[..])] {
            let cells = SLOTS.map(|slots| {
                let run = Run {
                    slots,
                    policy,
                    wrong,
                };
                let Ratios { mean, worst } = ratios(counts, seeds, run);
                format!("{mean:.3} ({worst:.3})")
            });
            println!("| {name} | {size} | {} |", cells.join(" | "));
        }
    }
}
