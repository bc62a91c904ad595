//! Retention: what old sessions leave behind is removed; their sums stay.
