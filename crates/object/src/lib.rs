//! The bottom of Taipan: the tagged word every Python value is, the header
//! every heap object starts with, the heap, the reference counts and the cycle
//! collector. Knows nothing of Python's types beyond [`TypeHead`].
//!
//! Soundness rests on one rule: whatever touches an object holds the GIL of
//! the interpreter that owns it. Counts are therefore plain, not atomic.

pub mod collector;
pub mod header;
pub mod heap;
pub mod limit;
pub mod object;
pub mod small;
pub mod value;
pub mod watch;

pub use collector::{CollectorHooks, Visitor};
pub use header::{Header, TypeHead, header_flags};
pub use heap::Heap;
pub use object::Object;
pub use value::Value;
