//! Interned names that the runtime itself looks up. `name::init.object()`
//! costs a load.

use crate::prelude::*;
use std::cell::UnsafeCell;

/// An index into the table of well-known names.
#[derive(Clone, Copy)]
pub struct Name(u16);

struct Table(UnsafeCell<[Value; 400]>);
// SAFETY: filled once at start-up, before a second thread exists.
unsafe impl Sync for Table {}
static TABLE: Table = Table(UnsafeCell::new([Value::UNBOUND; 400]));

impl Name {
    /// The interned, immortal string.
    #[inline(always)]
    pub fn object(self) -> &'static Object {
        // SAFETY: see Table.
        unsafe { Object::borrow_value(&(&*TABLE.0.get())[self.0 as usize]) }
    }
    #[inline(always)]
    pub fn value(self) -> Value {
        self.object().value()
    }
}

macro_rules! names {
    ($($name:ident $text:literal,)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[repr(u16)]
        enum Index { $($name,)* Count }
        /// The well-known names.
        #[allow(non_upper_case_globals)]
        pub mod name {
            use super::{Index, Name};
            $(pub const $name: Name = Name(Index::$name as u16);)*
        }
        const TEXTS: [&str; Index::Count as usize] = [$($text,)*];
    };
}

names! {
    abs "__abs__", add "__add__", aenter "__aenter__", aexit "__aexit__", aiter "__aiter__",
    all "__all__", and "__and__", anext "__anext__", annotate "__annotate__",
    annotate_func "__annotate_func__", annotations "__annotations__",
    annotations_cache "__annotations_cache__", args "args", await_ "__await__", bases "__bases__",
    bool "__bool__", buffer "__buffer__", release_buffer "__release_buffer__",
    build_class "__build_class__", builtins "__builtins__", bytes "__bytes__", call "__call__",
    cause "__cause__", class "__class__", class_getitem "__class_getitem__", classcell "__classcell__",
    classdictcell "__classdictcell__", close "close", complex "__complex__", contains "__contains__",
    context "__context__", context_plain "context", call_soon "call_soon",
    get_debug "get_debug", debug "_debug", thread_id "_thread_id", closed_private "_closed", iobase_closed "__IOBase_closed", ready "_ready",
    popleft "popleft", append "append", cancelled_private "_cancelled", run_private "_run", is_running "is_running", copy "copy", default "default", del "__del__", delattr "__delattr__",
    delete "__delete__", delitem "__delitem__", dict "__dict__", dir "__dir__",
    displayhook "displayhook", divmod "__divmod__", doc "__doc__", enter "__enter__", eq "__eq__",
    excepthook "excepthook", exit "__exit__", file "__file__", fileno "fileno",
    firstlineno "__firstlineno__", float "__float__", floordiv "__floordiv__", flush "flush",
    format "__format__", ge "__ge__", get "__get__", getattr "__getattr__",
    getattribute "__getattribute__", getitem "__getitem__", getstate "__getstate__", gt "__gt__",
    hash "__hash__", iadd "__iadd__", iand "__iand__", ifloordiv "__ifloordiv__",
    ilshift "__ilshift__", imatmul "__imatmul__", imod "__imod__", r#import "__import__",
    imul "__imul__", index "__index__", init "__init__", init_subclass "__init_subclass__",
    int "__int__", invert "__invert__", ior "__ior__", ipow "__ipow__", irshift "__irshift__",
    isub "__isub__", isinstance "__instancecheck__", issubclass "__subclasscheck__", items "items",
    iter "__iter__", itruediv "__itruediv__", ixor "__ixor__", join "join", keys "keys",
    kwdefaults "__kwdefaults__", le "__le__", len "__len__", length_hint "__length_hint__",
    loader "__loader__", lshift "__lshift__", lt "__lt__", main "__main__", match_args "__match_args__",
    matmul "__matmul__", metaclass "metaclass", missing "__missing__", r#mod "__mod__", mode "mode",
    module "__module__", mro "mro", mro_entries "__mro_entries__", mul "__mul__", name "__name__",
    ne "__ne__", neg "__neg__", new "__new__", next "__next__", objclass "__objclass__", or "__or__",
    orig_bases "__orig_bases__", orig_class "__orig_class__", origin "__origin__", package "__package__",
    parameters "__parameters__", path "__path__", pos "__pos__", pow "__pow__", prepare "__prepare__",
    qualname "__qualname__", radd "__radd__", rand "__rand__", rdivmod "__rdivmod__", read "read",
    readline "readline", reduce "__reduce__", reduce_ex "__reduce_ex__", repr "__repr__",
    reversed "__reversed__", rfloordiv "__rfloordiv__", rlshift "__rlshift__", rmatmul "__rmatmul__",
    rmod "__rmod__", rmul "__rmul__", ror "__ror__", round "__round__", rpow "__rpow__",
    rrshift "__rrshift__", rshift "__rshift__", rsub "__rsub__", rtruediv "__rtruediv__",
    rxor "__rxor__", send "send", set "__set__", set_name "__set_name__", setattr "__setattr__",
    setitem "__setitem__", setstate "__setstate__", sizeof "__sizeof__", slots "__slots__",
    sort "sort", spec "__spec__", static_attributes "__static_attributes__", stderr "stderr",
    stdin "stdin", stdout "stdout", str "__str__", sub "__sub__", subclasshook "__subclasshook__",
    text_signature "__text_signature__", throw "throw", traceback "__traceback__",
    truediv "__truediv__", trunc "__trunc__", floor "__floor__", ceil "__ceil__",
    type_params "__type_params__", typing_subst "__typing_subst__", unpacked "__typing_unpacked_tuple_args__",
    typing_prepare_subst "__typing_prepare_subst__", update "update", values "values",
    weakref "__weakref__", wrapped "__wrapped__", write "write", xor "__xor__", empty "", dot ".",
    strict "strict", utf_8 "utf-8", key "key", reverse "reverse", self_ "self", conditional_annotations "__conditional_annotations__",
    classdict "__classdict__", defaults "__defaults__", code "__code__", closure "__closure__",
    globals "__globals__", suppress_context "__suppress_context__", notes "__notes__", obj "obj", name_plain "name",
    path_plain "path", msg "msg", add_note "add_note", modules "modules", annotations_plain "annotations",
    abstractmethods "__abstractmethods__", isabstractmethod "__isabstractmethod__", builtins_plain "builtins",
    initializing "_initializing", uninitialized_submodules "_uninitialized_submodules", fset "fset", encoding "encoding", errors "errors",
    last_exc "last_exc", find_and_load "_find_and_load", handle_fromlist "_handle_fromlist", lambda "<lambda>",
    dunder_debug "__debug__", is_main "__main__.", getnewargs_ex "__getnewargs_ex__", getnewargs "__getnewargs__",
    sys "sys", has_location "has_location", cached "__cached__", origin_plain "origin", lock_unlock_module "_lock_unlock_module",
    replace "__replace__", unraisablehook "unraisablehook", pad "pad", fspath "__fspath__", parent "parent",
    copyreg "copyreg", newobj "__newobj__", newobj_ex "__newobj_ex__", slotnames "__slotnames__",
}

/// Interns the table. Called once, when the first interpreter starts.
pub fn init(vm: &Vm) {
    // SAFETY: before any other thread exists.
    let table = unsafe { &mut *TABLE.0.get() };
    for (slot, text) in table.iter_mut().zip(TEXTS) {
        let object = vm.intern(text);
        if let Some(header) = object.header() {
            header.make_immortal();
        }
        *slot = object.into_value();
    }
}
