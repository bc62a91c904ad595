//! At most so much in any span of time, however it slides.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// At most so much in any span of time.
#[derive(Debug)]
pub struct Window {
    span: Duration,
    limit: u32,
    spent: VecDeque<(Instant, u32)>,
    sum: u32,
}

impl Window {
    /// One in which nothing was spent yet; `u32::MAX` is no limit.
    pub fn new(span: Duration, limit: u32) -> Self {
        Self {
            span,
            limit,
            spent: VecDeque::new(),
            sum: 0,
        }
    }

    /// When `cost` more fits in; what has left the window is forgotten.
    pub fn free_at(&mut self, now: Instant, cost: u32) -> Instant {
        while let Some((at, cost)) = self.spent.front().copied()
            && at + self.span <= now
        {
            self.spent.pop_front();
            self.sum -= cost;
        }
        let mut over = (self.sum.saturating_add(cost)).saturating_sub(self.limit);
        let mut until = now;
        for (at, cost) in &self.spent {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(*cost);
            until = *at + self.span;
        }
        until
    }

    /// Counts `cost` from now on.
    pub fn spend(&mut self, now: Instant, cost: u32) {
        // Without a limit nothing needs to be remembered.
        if self.limit < u32::MAX {
            self.spent.push_back((now, cost));
            self.sum += cost;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut window = Window::new(second * 60, 10);
        window.spend(start, 4);
        window.spend(start + second * 20, 4);
        let mut check = |at: u32, cost, expect: u32| {
            let free = window.free_at(start + second * at, cost);
            assert_eq!(free, start + second * expect, "{cost} at {at} s");
        };
        check(30, 2, 30);
        check(30, 3, 60);
        check(30, 6, 60);
        check(30, 7, 80);
        check(60, 6, 60);
        check(61, 7, 80);
        check(80, 10, 80);
    }
}
