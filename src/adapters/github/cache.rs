//! Answers kept with their `ETag`, so that asking again for what has not changed costs no request of the primary limit.
//!
//! Ours, and not the client's: octocrab's is keyed by the address alone (a POST got a GET's answer), keeps bodies that
//! were cut off, and panics when an entry is evicted while its request is on its way.

use lru::LruCache;
use std::sync::Arc;

/// An answer that the server has a name for.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub etag: String,
    /// The page after it; a "not modified" does not repeat it.
    pub next: Option<String>,
    /// What it said.
    pub body: Vec<u8>,
}

/// The most recently used answers to GETs, up to a number of bytes.
#[derive(Debug)]
pub struct Cache {
    answers: LruCache<String, Arc<Kept>>,
    bytes: usize,
    limit: usize,
}

impl Cache {
    /// One that keeps up to `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            answers: LruCache::unbounded(),
            bytes: 0,
            limit,
        }
    }

    /// The answer from this address, shared: it stays whole while its request is on its way, evicted or not.
    pub fn get(&mut self, url: &str) -> Option<Arc<Kept>> {
        self.answers.get(url).cloned()
    }

    /// Keeps an answer that was read and understood to its end.
    pub fn put(&mut self, url: &str, kept: Kept) {
        self.bytes += weight(url, &kept);
        if let Some(old) = self.answers.put(url.to_owned(), Arc::new(kept)) {
            self.bytes -= weight(url, &old);
        }
        while self.bytes > self.limit {
            let Some((url, old)) = self.answers.pop_lru() else {
                break;
            };
            self.bytes -= weight(&url, &old);
        }
    }
}

/// Small answers weigh something, too, or there could be any number of them.
fn weight(url: &str, kept: &Kept) -> usize {
    const ENTRY: usize = 200;
    ENTRY + url.len() + kept.body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(size: usize) -> Kept {
        Kept {
            etag: "\"e\"".into(),
            next: None,
            body: vec![b' '; size],
        }
    }

    #[test]
    fn the_least_recently_used_answer_goes_first() {
        let mut cache = Cache::new(1000);
        cache.put("a", kept(200));
        cache.put("b", kept(200));
        assert!(cache.get("a").is_some());
        cache.put("c", kept(200));
        assert!(cache.get("b").is_none() && cache.get("a").is_some() && cache.get("c").is_some());
        assert_eq!(cache.bytes, 2 * (200 + 201));
    }

    #[test]
    fn an_answer_replaces_the_one_before() {
        let mut cache = Cache::new(1000);
        cache.put("a", kept(600));
        cache.put("a", kept(500));
        assert_eq!((cache.bytes, cache.answers.len()), (701, 1));
    }

    #[test]
    fn an_answer_that_is_too_large_is_not_kept() {
        let mut cache = Cache::new(1000);
        cache.put("a", kept(1001));
        assert_eq!((cache.bytes, cache.answers.len()), (0, 0));
    }
}
