//! tmp
use taipan_runtime::prelude::*;
pub static MODULE: ModuleDef = ModuleDef { name: "_io", doc: "", functions: &[], types: &[], init: None };
pub fn types() -> Vec<&'static Type> {
    vec![]
}
pub fn locale_encoding(_vm: &Vm) -> String {
    "utf-8".into()
}
pub mod streams {
    use super::*;
    pub fn make_std_streams(_vm: &Vm) -> Result<()> {
        Ok(())
    }
}
