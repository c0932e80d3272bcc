//! What the `taipan` command is made of: options, environment, start-up, running, exit.
//! [`run::open`] is for other programs that want an interpreter with the whole library.

mod interactive;
pub mod options;
pub mod run;
