//! BaseException and every built-in exception class.
//!
//! All instances begin with the payload [`BaseException`]; classes with more
//! fields have a `repr(C)` payload that starts with it, so that
//! `downcast::<BaseException>()` works on any exception. OSError lives in
//! `exceptions_os.rs`, SyntaxError, ImportError and the Unicode errors in
//! `exceptions_fields.rs`, groups in `exception_group.rs`.

use crate::names::name;
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::exceptions_fields as fields;
use crate::types::exceptions_os as os;
use crate::types::{object, str, traceback, tuple};
use std::cell::Cell;

/// What every exception instance has.
#[repr(C)]
pub struct BaseException {
    args: ObjectCell,
    /// UNBOUND stands for None in these three.
    traceback: ObjectCell,
    context: ObjectCell,
    cause: ObjectCell,
    suppress_context: Cell<bool>,
}

impl NativeClass for BaseException {
    fn class() -> &'static Type {
        &exc::BASE_EXCEPTION
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.args.traverse(visitor);
        self.traceback.traverse(visitor);
        self.context.traverse(visitor);
        self.cause.traverse(visitor);
    }
    fn clear(&self) {
        self.args.clear();
        self.traceback.clear();
        self.context.clear();
        self.cause.clear();
    }
}

impl BaseException {
    /// A payload with these arguments (a tuple).
    pub fn new(args: Object) -> BaseException {
        BaseException {
            args: ObjectCell::new(args),
            traceback: ObjectCell::EMPTY,
            context: ObjectCell::EMPTY,
            cause: ObjectCell::EMPTY,
            suppress_context: Cell::new(false),
        }
    }
    /// The tuple `args`.
    pub fn args(&self) -> Object {
        self.args.bound().unwrap_or_else(|| Vm::current().tuple(Vec::new()))
    }
    /// The arguments as a vector.
    pub fn arg_items(&self) -> Vec<Object> {
        match self.args.get().downcast::<Tuple>() {
            Some(tuple) => tuple.items().to_vec(),
            None => Vec::new(),
        }
    }
    /// Replaces `args`, which is a tuple.
    pub fn set_args(&self, args: Object) {
        self.args.set(args)
    }
    /// `__traceback__`, None if there is none.
    pub fn traceback(&self) -> Object {
        self.traceback.or_none()
    }
    pub fn set_traceback(&self, traceback: Object) {
        self.traceback.set(none_to_unbound(traceback))
    }
    /// `__context__`, None if there is none.
    pub fn context(&self) -> Object {
        self.context.or_none()
    }
    /// Replaces `__context__`, without looking for cycles (see [`set_context`]).
    pub fn set_context(&self, context: Object) {
        self.context.set(none_to_unbound(context))
    }
    /// `__cause__`, None if there is none.
    pub fn cause(&self) -> Object {
        self.cause.or_none()
    }
    /// Replaces `__cause__` and sets `__suppress_context__`.
    pub fn set_cause(&self, cause: Object) {
        self.suppress_context.set(true);
        self.cause.set(none_to_unbound(cause))
    }
    pub fn suppress_context(&self) -> bool {
        self.suppress_context.get()
    }
    pub fn set_suppress_context(&self, suppress: bool) {
        self.suppress_context.set(suppress)
    }
}

fn none_to_unbound(object: Object) -> Object {
    if object.is_none() { Object::UNBOUND } else { object }
}

/// The base payload of an object known to be an exception.
pub fn base(object: &Object) -> &BaseException {
    // SAFETY: slots and methods of exceptions are only called on exceptions.
    unsafe { object.payload_unchecked() }
}

/// The payload of an object known to have it: for slots, methods and getters.
pub(crate) fn payload<T: NativeClass>(object: &Object) -> &T {
    // SAFETY: slots and methods of a native type are only called on its instances.
    unsafe { object.payload_unchecked() }
}

// ---- payloads with one or two fields more ---------------------------------------

/// Payload of StopIteration (`value`) and SystemExit (`code`).
#[repr(C)]
pub struct ValueException {
    base: BaseException,
    value: ObjectCell,
}

impl NativeClass for ValueException {
    fn class() -> &'static Type {
        &exc::STOP_ITERATION
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.base.traverse(visitor);
        self.value.traverse(visitor);
    }
    fn clear(&self) {
        self.base.clear();
        self.value.clear();
    }
}

/// Payload of NameError and AttributeError.
#[repr(C)]
pub struct NamedException {
    base: BaseException,
    name: ObjectCell,
    obj: ObjectCell,
}

impl NativeClass for NamedException {
    fn class() -> &'static Type {
        &exc::NAME_ERROR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.base.traverse(visitor);
        self.name.traverse(visitor);
        self.obj.traverse(visitor);
    }
    fn clear(&self) {
        self.base.clear();
        self.name.clear();
        self.obj.clear();
    }
}

// ---- the classes -------------------------------------------------------------------

const FLAGS: u64 = type_flags::BASE | type_flags::HAVE_GC | type_flags::EXCEPTION_SUBCLASS;

/// A getter and setter of an object field of a payload; deletion leaves None.
macro_rules! object_field {
    ($payload:ty, $name:literal, $($field:ident).+) => {
        GetSetDef::member($name, |_, o| {
            Ok($crate::types::exceptions::payload::<$payload>(o).$($field).+.or_none())
        })
        .with_set(|_, o, value| {
            $crate::types::exceptions::payload::<$payload>(o).$($field).+.set_option(value.cloned());
            Ok(())
        })
    };
}
pub(crate) use object_field;

macro_rules! classes {
    ($($static:ident = $name:literal ($base:expr) $payload:ty, $new:expr, $init:expr, $slots:expr, $methods:expr, $getset:expr, $doc:literal;)*) => {
        /// The exception classes.
        pub mod exc {
            use super::*;
            $(#[doc = $doc]
            pub static $static: Type = Type::new::<$payload>(
                $name,
                $base,
                FLAGS,
                Slots { new: $new, init: $init, ..$slots },
                $methods,
                $getset,
            )
            .with_dict()
            .with_doc($doc);)*
        }
        /// Every exception class, bases before subclasses.
        pub fn all() -> Vec<&'static Type> {
            vec![$(&exc::$static),*]
        }
    };
}

/// The bulk of the classes add nothing to their base: they are given as a tree.
macro_rules! class_table {
    (
        special { $($special:tt)* }
        simple { $($static:ident = $name:literal ($base:ident) $doc:literal;)* }
    ) => {
        classes! {
            $($special)*
            $($static = $name (&exc::$base) BaseException, Some(base_new), None, Slots::EMPTY, &[], &[], $doc;)*
        }
    };
}

class_table! {
    special {
        BASE_EXCEPTION = "BaseException" (&crate::types::object::OBJECT) BaseException, Some(base_new), Some(base_init),
            Slots::EMPTY.repr(base_repr).str(base_str),
            BASE_METHODS, BASE_GETSET, "The root of all exceptions.";
        EXCEPTION = "Exception" (&exc::BASE_EXCEPTION) BaseException, Some(base_new), None, Slots::EMPTY, &[], &[],
            "The base of all exceptions that do not end the program.";
        STOP_ITERATION = "StopIteration" (&exc::EXCEPTION) ValueException, None, Some(stop_init), Slots::EMPTY, &[],
            &[object_field!(ValueException, "value", value).with_doc("what the generator returned")],
            "An iterator has no more items.";
        SYSTEM_EXIT = "SystemExit" (&exc::BASE_EXCEPTION) ValueException, None, Some(exit_init), Slots::EMPTY, &[],
            &[object_field!(ValueException, "code", value).with_doc("the exit code")],
            "The interpreter is asked to exit.";
        NAME_ERROR = "NameError" (&exc::EXCEPTION) NamedException, None, Some(name_error_init), Slots::EMPTY, &[],
            &[object_field!(NamedException, "name", name).with_doc("the name")],
            "A name was found nowhere.";
        UNBOUND_LOCAL_ERROR = "UnboundLocalError" (&exc::NAME_ERROR) NamedException, None, None,
            Slots::EMPTY, &[], &[], "A local name has no value yet.";
        ATTRIBUTE_ERROR = "AttributeError" (&exc::EXCEPTION) NamedException, None, Some(attribute_error_init),
            Slots::EMPTY, ATTRIBUTE_ERROR_METHODS,
            &[object_field!(NamedException, "name", name).with_doc("the attribute's name"),
              object_field!(NamedException, "obj", obj).with_doc("the object asked")],
            "An attribute was not found.";
        LOOKUP_ERROR = "LookupError" (&exc::EXCEPTION) BaseException, Some(base_new), None, Slots::EMPTY, &[], &[],
            "The base of lookup errors.";
        KEY_ERROR = "KeyError" (&exc::LOOKUP_ERROR) BaseException, None, None,
            Slots::EMPTY.str(key_error_str), &[], &[], "A mapping has no such key.";
        IMPORT_ERROR = "ImportError" (&exc::EXCEPTION) fields::ImportError, None, Some(fields::import_init),
            Slots::EMPTY.str(fields::import_str), fields::IMPORT_METHODS, fields::IMPORT_GETSET,
            "A module, or a name from one, cannot be imported.";
        MODULE_NOT_FOUND_ERROR = "ModuleNotFoundError" (&exc::IMPORT_ERROR) fields::ImportError,
            None, None, Slots::EMPTY, &[], &[], "There is no such module.";
        SYNTAX_ERROR = "SyntaxError" (&exc::EXCEPTION) fields::SyntaxError, None, Some(fields::syntax_init),
            Slots::EMPTY.str(fields::syntax_str), &[], fields::SYNTAX_GETSET, "The source text is not valid.";
        INDENTATION_ERROR = "IndentationError" (&exc::SYNTAX_ERROR) fields::SyntaxError, None, None, Slots::EMPTY, &[], &[], "The indentation is not valid.";
        TAB_ERROR = "TabError" (&exc::INDENTATION_ERROR) fields::SyntaxError, None, None, Slots::EMPTY, &[], &[], "Tabs and spaces are mixed inconsistently.";
        _INCOMPLETE_INPUT_ERROR = "_IncompleteInputError" (&exc::SYNTAX_ERROR) fields::SyntaxError,
            None, None, Slots::EMPTY, &[], &[], "The source text goes on after its end.";
        OS_ERROR = "OSError" (&exc::EXCEPTION) os::OsError, Some(os::os_new), Some(os::os_init), Slots::EMPTY.str(os::os_str),
            os::OS_METHODS, os::OS_GETSET, "The operating system reports an error.";
        BLOCKING_IO_ERROR = "BlockingIOError" (&exc::OS_ERROR) os::OsError, None, None, Slots::EMPTY,
            &[], &[], "The operation would block.";
        CHILD_PROCESS_ERROR = "ChildProcessError" (&exc::OS_ERROR) os::OsError, None, None,
            Slots::EMPTY, &[], &[], "An operation on a child process failed.";
        CONNECTION_ERROR = "ConnectionError" (&exc::OS_ERROR) os::OsError, None, None, Slots::EMPTY,
            &[], &[], "The base of connection errors.";
        BROKEN_PIPE_ERROR = "BrokenPipeError" (&exc::CONNECTION_ERROR) os::OsError, None, None,
            Slots::EMPTY, &[], &[], "Nobody reads the other end.";
        CONNECTION_ABORTED_ERROR = "ConnectionAbortedError" (&exc::CONNECTION_ERROR) os::OsError, None, None, Slots::EMPTY, &[], &[], "The connection was aborted.";
        CONNECTION_REFUSED_ERROR = "ConnectionRefusedError" (&exc::CONNECTION_ERROR) os::OsError, None, None, Slots::EMPTY, &[], &[], "The connection was refused.";
        CONNECTION_RESET_ERROR = "ConnectionResetError" (&exc::CONNECTION_ERROR) os::OsError, None, None, Slots::EMPTY, &[], &[], "The connection was reset.";
        FILE_EXISTS_ERROR = "FileExistsError" (&exc::OS_ERROR) os::OsError, None, None, Slots::EMPTY,
            &[], &[], "The file exists already.";
        FILE_NOT_FOUND_ERROR = "FileNotFoundError" (&exc::OS_ERROR) os::OsError, None, None,
            Slots::EMPTY, &[], &[], "There is no such file.";
        INTERRUPTED_ERROR = "InterruptedError" (&exc::OS_ERROR) os::OsError, None, None, Slots::EMPTY,
            &[], &[], "A signal interrupted the call.";
        IS_A_DIRECTORY_ERROR = "IsADirectoryError" (&exc::OS_ERROR) os::OsError, None, None,
            Slots::EMPTY, &[], &[], "The operation does not work on directories.";
        NOT_A_DIRECTORY_ERROR = "NotADirectoryError" (&exc::OS_ERROR) os::OsError, None, None,
            Slots::EMPTY, &[], &[], "The operation only works on directories.";
        PERMISSION_ERROR = "PermissionError" (&exc::OS_ERROR) os::OsError, None, None, Slots::EMPTY,
            &[], &[], "Not enough permissions.";
        PROCESS_LOOKUP_ERROR = "ProcessLookupError" (&exc::OS_ERROR) os::OsError, None, None,
            Slots::EMPTY, &[], &[], "There is no such process.";
        TIMEOUT_ERROR = "TimeoutError" (&exc::OS_ERROR) os::OsError, None, None, Slots::EMPTY,
            &[], &[], "It took too long.";
        VALUE_ERROR = "ValueError" (&exc::EXCEPTION) BaseException, Some(base_new), None, Slots::EMPTY, &[], &[],
            "An argument has the right type and a wrong value.";
        UNICODE_ERROR = "UnicodeError" (&exc::VALUE_ERROR) BaseException, Some(base_new), None, Slots::EMPTY,
            &[], &[], "The base of encoding and decoding errors.";
        UNICODE_ENCODE_ERROR = "UnicodeEncodeError" (&exc::UNICODE_ERROR) fields::UnicodeError, Some(base_new), Some(fields::encode_init), Slots::EMPTY.str(fields::encode_str), &[], fields::UNICODE_GETSET,
            "A str cannot be encoded.";
        UNICODE_DECODE_ERROR = "UnicodeDecodeError" (&exc::UNICODE_ERROR) fields::UnicodeError, Some(base_new), Some(fields::decode_init), Slots::EMPTY.str(fields::decode_str), &[], fields::UNICODE_GETSET,
            "Bytes cannot be decoded.";
        UNICODE_TRANSLATE_ERROR = "UnicodeTranslateError" (&exc::UNICODE_ERROR) fields::UnicodeError,
            Some(base_new), Some(fields::translate_init), Slots::EMPTY.str(fields::translate_str), &[],
            fields::UNICODE_GETSET, "A str cannot be translated.";
        BASE_EXCEPTION_GROUP = "BaseExceptionGroup" (&exc::BASE_EXCEPTION) crate::types::exception_group::Group,
            Some(crate::types::exception_group::group_new), Some(crate::types::exception_group::group_init),
            Slots::EMPTY.repr(crate::types::exception_group::group_repr).str(crate::types::exception_group::group_str),
            crate::types::exception_group::METHODS, crate::types::exception_group::GETSET,
            "Several unrelated exceptions together.";
        EXCEPTION_GROUP = "ExceptionGroup" (&exc::BASE_EXCEPTION_GROUP) crate::types::exception_group::Group,
            None, None,
            Slots::EMPTY, &[], &[GetSetDef::new("__weakref__", crate::types::weakref::first_ref)], "";
        RUNTIME_ERROR = "RuntimeError" (&exc::EXCEPTION) BaseException, Some(base_new), None, Slots::EMPTY, &[], &[],
            "An error that fits no other class.";
        ARITHMETIC_ERROR = "ArithmeticError" (&exc::EXCEPTION) BaseException, Some(base_new), None, Slots::EMPTY,
            &[], &[], "The base of arithmetic errors.";
        WARNING = "Warning" (&exc::EXCEPTION) BaseException, Some(base_new), None, Slots::EMPTY, &[], &[],
            "The base of warning categories.";
    }
    simple {
        GENERATOR_EXIT = "GeneratorExit" (BASE_EXCEPTION) "A generator or coroutine is closed.";
        KEYBOARD_INTERRUPT = "KeyboardInterrupt" (BASE_EXCEPTION) "The user interrupts the program.";
        FLOATING_POINT_ERROR = "FloatingPointError" (ARITHMETIC_ERROR) "A floating-point operation failed.";
        OVERFLOW_ERROR = "OverflowError" (ARITHMETIC_ERROR) "A result is too large.";
        ZERO_DIVISION_ERROR = "ZeroDivisionError" (ARITHMETIC_ERROR) "Division by zero.";
        ASSERTION_ERROR = "AssertionError" (EXCEPTION) "An assertion does not hold.";
        BUFFER_ERROR = "BufferError" (EXCEPTION) "An operation on a buffer is not possible.";
        EOF_ERROR = "EOFError" (EXCEPTION) "The input has ended.";
        INDEX_ERROR = "IndexError" (LOOKUP_ERROR) "An index is out of range.";
        MEMORY_ERROR = "MemoryError" (EXCEPTION) "There is not enough memory.";
        REFERENCE_ERROR = "ReferenceError" (EXCEPTION) "A weak reference's object is gone.";
        NOT_IMPLEMENTED_ERROR = "NotImplementedError" (RUNTIME_ERROR) "To be implemented by a subclass.";
        PYTHON_FINALIZATION_ERROR = "PythonFinalizationError" (RUNTIME_ERROR) "Not possible while the interpreter shuts down.";
        RECURSION_ERROR = "RecursionError" (RUNTIME_ERROR) "The recursion is too deep.";
        STOP_ASYNC_ITERATION = "StopAsyncIteration" (EXCEPTION) "An asynchronous iterator has no more items.";
        SYSTEM_ERROR = "SystemError" (EXCEPTION) "An error inside the interpreter.";
        TYPE_ERROR = "TypeError" (EXCEPTION) "An argument has the wrong type.";
        BYTES_WARNING = "BytesWarning" (WARNING) "Dubious use of bytes and str together.";
        DEPRECATION_WARNING = "DeprecationWarning" (WARNING) "A feature is deprecated; meant for developers.";
        ENCODING_WARNING = "EncodingWarning" (WARNING) "An encoding was left out.";
        FUTURE_WARNING = "FutureWarning" (WARNING) "A feature will change; meant for users.";
        IMPORT_WARNING = "ImportWarning" (WARNING) "Probably a mistake in an import.";
        PENDING_DEPRECATION_WARNING = "PendingDeprecationWarning" (WARNING) "A feature will be deprecated.";
        RESOURCE_WARNING = "ResourceWarning" (WARNING) "A resource was not released.";
        RUNTIME_WARNING = "RuntimeWarning" (WARNING) "Dubious behaviour at run time.";
        SYNTAX_WARNING = "SyntaxWarning" (WARNING) "Dubious syntax.";
        UNICODE_WARNING = "UnicodeWarning" (WARNING) "Dubious use of Unicode.";
        USER_WARNING = "UserWarning" (WARNING) "A warning of user code.";
    }
}

/// ExceptionGroup has two bases, which the static table cannot say. Called once
/// all classes are ready.
pub fn finish_types(vm: &Vm) {
    let object = crate::types::object::OBJECT.to_object();
    let group = exc::EXCEPTION_GROUP.to_object();
    let bases = vec![exc::BASE_EXCEPTION_GROUP.to_object(), exc::EXCEPTION.to_object()];
    let mut mro = vec![group];
    mro.extend(bases.iter().cloned());
    mro.push(exc::BASE_EXCEPTION.to_object());
    mro.push(object);
    let (bases, mro) = (vm.tuple(bases), vm.tuple(mro));
    let old = exc::EXCEPTION_GROUP.update_extra(|extra| {
        (std::mem::replace(&mut extra.bases, bases), std::mem::replace(&mut extra.mro, mro))
    });
    drop(old);
    // Made as classes in Python are: weak references are possible.
    let flags = &exc::EXCEPTION_GROUP.flags;
    flags.set(flags.get() | type_flags::WEAKREFABLE);
    exc::EXCEPTION_GROUP.modified();
}

// ---- making instances from native code ------------------------------------------------

/// An instance of `class` with these arguments, as calling the class would make
/// it, except that no Python code of subclasses runs.
pub fn new_with_args(vm: &Vm, class: &Type, args: Vec<Object>) -> Object {
    let native = native_class(class);
    let slots = native.slots();
    if is_plain(native) {
        return vm.alloc(class, BaseException::new(tuple::from_slice(vm, &args)));
    }
    let pending = vm.take_raised();
    let made = match slots.new {
        Some(new) => new(vm, class, &args, &[]),
        None => base_new(vm, class, &args, &[]),
    };
    let made = made.and_then(|object| {
        if let Some(init) = slots.init {
            init(vm, &object, &args, &[])?;
        }
        Ok(object)
    });
    let object = match made {
        Ok(object) => object,
        // The arguments do not suit the class: the complaint takes its place.
        Err(raised) => vm.caught(raised),
    };
    vm.restore_raised(pending);
    object
}

/// The static class whose payload instances of `class` have.
fn native_class(class: &Type) -> &Type {
    let native = class.native.get();
    // SAFETY: native classes are statics.
    if native.is_null() { class } else { unsafe { &*native } }
}

/// The exception that `raise class_or_instance` (with a value to pass on, None
/// for none) stands for: an instance. A class is called.
pub fn normalize(vm: &Vm, class_or_instance: &Object, value: &Object) -> Result {
    if class_or_instance.is_instance_of(&exc::BASE_EXCEPTION) {
        return Ok(class_or_instance.clone());
    }
    let class = match Type::of(class_or_instance) {
        Some(class) if class.is_subtype(&exc::BASE_EXCEPTION) => class,
        _ => return Err(vm.type_error("exceptions must derive from BaseException")),
    };
    if value.is_instance_of(class) {
        return Ok(value.clone());
    }
    let made = if value.is_none() || value.is_unbound() {
        vm.call(class_or_instance, &[])?
    } else if let Some(tuple) = value.downcast::<Tuple>() {
        vm.call(class_or_instance, &tuple.items().to_vec())?
    } else {
        vm.call(class_or_instance, std::slice::from_ref(value))?
    };
    if !made.is_instance_of(&exc::BASE_EXCEPTION) {
        return Err(vm.type_error(format!(
            "calling {} should have returned an instance of BaseException, not {}",
            vm.repr_text(class_or_instance)?,
            made.ty().name()
        )));
    }
    Ok(made)
}

/// Makes `context` the `__context__` of `exception`, cutting the chain where it
/// would come back to `exception`.
pub fn set_context(exception: &Object, context: impl std::borrow::Borrow<Object>) {
    let context = context.borrow();
    if context.value() == exception.value() || context.is_none() || context.is_unbound() {
        return;
    }
    let Some(this) = exception.downcast::<BaseException>() else { return };
    // Walk the chain with a second pointer at half speed, as it may have a cycle of its own.
    let mut item = context.clone();
    let mut slow = context.clone();
    let mut step = false;
    while let Some(payload) = item.downcast::<BaseException>() {
        let next = payload.context();
        if next.is_none() {
            break;
        }
        if next.value() == exception.value() {
            payload.set_context(Object::NONE);
            break;
        }
        item = next;
        if item.value() == slow.value() {
            break;
        }
        if step {
            let next = match slow.downcast::<BaseException>() {
                Some(payload) => payload.context(),
                None => break,
            };
            slow = next;
        }
        step = !step;
    }
    this.set_context(context.clone());
}

/// Sets `name` and `obj` of a NameError or AttributeError; UNBOUND leaves a field alone.
pub fn set_name_and_obj(exception: &Object, name: Object, obj: Object) {
    let class = exception.ty();
    if class.is_subtype(&exc::NAME_ERROR) || class.is_subtype(&exc::ATTRIBUTE_ERROR) {
        let this = payload::<NamedException>(exception);
        if !name.is_unbound() {
            this.name.set(name);
        }
        if !obj.is_unbound() {
            this.obj.set(obj);
        }
    }
}

/// If the exception on its way is an AttributeError that does not say what was
/// looked for, it says so now.
#[cold]
pub fn fill_attribute_error(vm: &Vm, object: &Object, name: &Object) {
    if !vm.raised_is(&exc::ATTRIBUTE_ERROR) {
        return;
    }
    let raised = vm.raised.get();
    let this = payload::<NamedException>(Object::borrow_value(&raised));
    if this.name.is_empty() && this.obj.is_empty() {
        this.name.set(name.clone());
        this.obj.set(object.clone());
    }
}

/// Sets an attribute, ignoring any error.
pub fn set_attr_quietly(vm: &Vm, exception: &Object, attr: &str, value: Object) {
    if vm.set_attr_str(exception, attr, &value).is_err() {
        drop(vm.take_raised());
    }
}

/// The `value` of a StopIteration.
pub fn stop_iteration_value(exception: &Object) -> Object {
    if exception.is_instance_of(&exc::STOP_ITERATION) {
        payload::<ValueException>(exception).value.or_none()
    } else {
        Object::NONE
    }
}

/// The `code` of a SystemExit.
pub fn system_exit_code(exception: &Object) -> Object {
    if exception.is_instance_of(&exc::SYSTEM_EXIT) {
        payload::<ValueException>(exception).value.or_none()
    } else {
        Object::NONE
    }
}

// ---- BaseException ---------------------------------------------------------------------

pub(crate) fn no_keywords(vm: &Vm, class: &Type, kwnames: &[Object]) -> Result<()> {
    if kwnames.is_empty() {
        return Ok(());
    }
    Err(vm.type_error(format!("{}() takes no keyword arguments", class.name())))
}

/// The positional arguments of a call.
pub(crate) fn positional<'a>(args: &'a [Object], kwnames: &[Object]) -> &'a [Object] {
    &args[..args.len().saturating_sub(kwnames.len())]
}

/// Has the native class no fields of its own?
fn is_plain(native: &Type) -> bool {
    native.payload_size.get() == size_of::<crate::native::Payload<BaseException>>()
}

/// `BaseException.__new__`, which makes instances of every class that has no
/// `__new__` of its own: the payload is that of the native class.
fn base_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let native = native_class(class);
    let base = BaseException::new(tuple::from_slice(vm, positional(args, kwnames)));
    let is = |wanted: &'static Type| native.is_subtype(wanted);
    let made = if is_plain(native) {
        vm.try_alloc(class, base)
    } else if is(&exc::STOP_ITERATION) || is(&exc::SYSTEM_EXIT) {
        vm.try_alloc(class, ValueException { base, value: ObjectCell::EMPTY })
    } else if is(&exc::NAME_ERROR) || is(&exc::ATTRIBUTE_ERROR) {
        vm.try_alloc(class, NamedException { base, name: ObjectCell::EMPTY, obj: ObjectCell::EMPTY })
    } else if is(&exc::IMPORT_ERROR) {
        vm.try_alloc(class, fields::ImportError::new(base))
    } else if is(&exc::SYNTAX_ERROR) {
        vm.try_alloc(class, fields::SyntaxError::new(base))
    } else if is(&exc::UNICODE_ERROR) {
        vm.try_alloc(class, fields::UnicodeError::new(base))
    } else {
        return match native.slots().new {
            Some(new) if new as usize != base_new as crate::ty::NewFn as usize => {
                new(vm, class, args, kwnames)
            }
            _ => Err(vm.system_error("an exception class without a constructor")),
        };
    };
    made.ok_or_else(|| vm.memory_error())
}

fn base_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    no_keywords(vm, object.ty(), kwnames)?;
    set_args_if_new(vm, object, args);
    Ok(())
}

/// Stores the arguments, unless `__new__` has stored the same ones.
pub(crate) fn set_args_if_new(vm: &Vm, object: &Object, args: &[Object]) {
    let old = base(object).args.value();
    if let Some(tuple) = Object::borrow_value(&old).downcast::<Tuple>()
        && tuple.len() == args.len()
        && tuple.items().iter().zip(args).all(|(a, b)| a.value() == b.value())
    {
        return;
    }
    base(object).set_args(tuple::from_slice(vm, args));
}

/// `str(exception)` of BaseException.
pub fn base_str(vm: &Vm, object: &Object) -> Result {
    let args = base(object).args();
    match args.downcast::<Tuple>().map(|t| t.items()) {
        Some([]) | None => Ok(vm.intern("")),
        Some([one]) => vm.str_of(one),
        Some(_) => vm.str_of(&args),
    }
}

fn base_repr(vm: &Vm, object: &Object) -> Result {
    let args = base(object).args();
    let mut out = str::Builder::new();
    out.push_str(object.ty().name());
    match args.downcast::<Tuple>().map(|t| t.items()) {
        Some([one]) => {
            out.push_str("(");
            out.push_object(&vm.repr(one)?);
            out.push_str(")");
        }
        _ => out.push_object(&vm.repr(&args)?),
    }
    Ok(out.finish(vm))
}

fn key_error_str(vm: &Vm, object: &Object) -> Result {
    let args = base(object).args();
    match args.downcast::<Tuple>().map(|t| t.items()) {
        Some([one]) => vm.repr(one),
        _ => base_str(vm, object),
    }
}

/// The instance's dict if anything was ever stored in it.
pub(crate) fn existing_dict(vm: &Vm, object: &Object) -> Option<Object> {
    let word = crate::alloc::dict_word(object)?;
    let values = crate::alloc::inline_values(object);
    // SAFETY: the object's own words; nothing runs meanwhile.
    let empty = unsafe { (*word).is_unbound() && (&*values).iter().all(|v| v.is_unbound()) };
    if empty { None } else { crate::lookup::instance_dict(vm, object) }
}

const BASE_METHODS: &[MethodDef] = &[
    MethodDef::new("__reduce__($self, /)", base_reduce, ""),
    MethodDef::new("__setstate__($self, object, /)", base_setstate, ""),
    MethodDef::new(
        "with_traceback($self, object, /)",
        with_traceback,
        "Set self.__traceback__ to the argument and return self.",
    ),
    MethodDef::new("add_note($self, object, /)", add_note, "Add a note to the exception."),
];

const BASE_GETSET: &[GetSetDef] = &[
    GetSetDef::new("args", |_, e| Ok(base(e).args())).with_set(set_args),
    GetSetDef::new("__traceback__", |_, e| Ok(base(e).traceback())).with_set(set_traceback),
    GetSetDef::new("__context__", |_, e| Ok(base(e).context())).with_set(set_context_attr),
    GetSetDef::new("__cause__", |_, e| Ok(base(e).cause())).with_set(set_cause),
    GetSetDef::member("__suppress_context__", |_, e| Ok(Object::bool(base(e).suppress_context())))
        .with_set(set_suppress_context),
    GetSetDef::new("__dict__", object::get_dict).with_set(object::set_dict),
];

fn base_reduce(vm: &Vm, args: &[Object]) -> Result {
    reduce_with(vm, &args[0], base(&args[0]).args())
}

/// `(class, args)` or `(class, args, dict)`.
pub(crate) fn reduce_with(vm: &Vm, object: &Object, args: Object) -> Result {
    let mut out = vec![object.ty().to_object(), args];
    out.extend(existing_dict(vm, object));
    Ok(vm.tuple(out))
}

fn base_setstate(vm: &Vm, args: &[Object]) -> Result {
    if args[1].is_none() {
        return Ok(Object::NONE);
    }
    let Some(state) = args[1].downcast::<Dict>() else {
        return Err(vm.type_error("state is not a dictionary"));
    };
    let mut position = 0;
    while let Some((key, value)) = state.next_entry(&mut position) {
        vm.set_attr(&args[0], &key, &value)?;
    }
    Ok(Object::NONE)
}

fn with_traceback(vm: &Vm, args: &[Object]) -> Result {
    set_traceback(vm, &args[0], Some(&args[1]))?;
    Ok(args[0].clone())
}

fn add_note(vm: &Vm, args: &[Object]) -> Result {
    if args[1].downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("add_note() argument must be str, not {}", args[1].ty().name())));
    }
    let notes = match vm.lookup_attr(&args[0], name::notes.object())? {
        Some(notes) => notes,
        None => {
            let notes = vm.list(Vec::new());
            vm.set_attr(&args[0], name::notes.object(), &notes)?;
            notes
        }
    };
    match notes.downcast::<List>() {
        Some(list) => {
            list.push(vm, args[1].clone())?;
            Ok(Object::NONE)
        }
        None => Err(vm.type_error("Cannot add note: __notes__ is not a list")),
    }
}

fn set_args(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.type_error("args may not be deleted")) };
    let items = vm.collect(value)?;
    base(object).set_args(vm.tuple(items));
    Ok(())
}

fn set_traceback(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    match value {
        None => Err(vm.type_error("__traceback__ may not be deleted")),
        Some(tb) if tb.is_none() || tb.is_instance_of(&traceback::TRACEBACK) => {
            base(object).set_traceback(tb.clone());
            Ok(())
        }
        Some(_) => Err(vm.type_error("__traceback__ must be a traceback or None")),
    }
}

fn is_exception_or_none(value: &Object) -> bool {
    value.is_none() || value.is_instance_of(&exc::BASE_EXCEPTION)
}

fn set_context_attr(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    match value {
        None => Err(vm.type_error("__context__ may not be deleted")),
        Some(context) if is_exception_or_none(context) => {
            base(object).set_context(context.clone());
            Ok(())
        }
        Some(_) => Err(vm.type_error("exception context must be None or derive from BaseException")),
    }
}

fn set_cause(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    match value {
        None => Err(vm.type_error("__cause__ may not be deleted")),
        Some(cause) if is_exception_or_none(cause) => {
            base(object).set_cause(cause.clone());
            Ok(())
        }
        Some(_) => Err(vm.type_error("exception cause must be None or derive from BaseException")),
    }
}

fn set_suppress_context(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    match value {
        None => Err(vm.type_error("can't delete numeric/char attribute")),
        Some(value) if value.is_bool() => {
            base(object).set_suppress_context(value.is(Value::TRUE));
            Ok(())
        }
        Some(_) => Err(vm.type_error("attribute value type must be bool")),
    }
}

// ---- StopIteration, SystemExit, NameError, AttributeError -------------------------------

fn stop_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    base_init(vm, object, args, kwnames)?;
    payload::<ValueException>(object).value.set(args.first().cloned().unwrap_or(Object::NONE));
    Ok(())
}

fn exit_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    base_init(vm, object, args, kwnames)?;
    match args {
        [] => {}
        [code] => payload::<ValueException>(object).value.set(code.clone()),
        _ => payload::<ValueException>(object).value.set(base(object).args()),
    }
    Ok(())
}

/// Stores keyword arguments in fields; `fields` are the keywords known.
pub(crate) fn keyword_fields(
    vm: &Vm,
    class: &str,
    args: &[Object],
    kwnames: &[Object],
    fields: &[(&str, &ObjectCell)],
) -> Result<()> {
    let values = &args[args.len() - kwnames.len()..];
    for key in kwnames {
        let text = vm.str_lossy(key);
        if !fields.iter().any(|(known, _)| *known == text) {
            return Err(vm.type_error(format!("{class}() got an unexpected keyword argument '{text}'")));
        }
    }
    for (known, field) in fields {
        let given = kwnames.iter().position(|key| vm.str_lossy(key) == *known);
        field.set_option(given.map(|i| values[i].clone()));
    }
    Ok(())
}

fn name_error_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    set_args_if_new(vm, object, positional(args, kwnames));
    let this = payload::<NamedException>(object);
    keyword_fields(vm, "NameError", args, kwnames, &[("name", &this.name)])
}

fn attribute_error_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    set_args_if_new(vm, object, positional(args, kwnames));
    let this = payload::<NamedException>(object);
    keyword_fields(vm, "AttributeError", args, kwnames, &[("name", &this.name), ("obj", &this.obj)])
}

const ATTRIBUTE_ERROR_METHODS: &[MethodDef] = &[
    MethodDef::new("__getstate__($self, /)", attribute_error_getstate, ""),
    MethodDef::new("__reduce__($self, /)", attribute_error_reduce, ""),
];

/// The dict with `name` and `args`; `obj` need not be picklable and stays out.
fn attribute_error_getstate(vm: &Vm, args: &[Object]) -> Result {
    let this = payload::<NamedException>(&args[0]);
    let state = match existing_dict(vm, &args[0]) {
        Some(dict) => vm.call_method(&dict, "copy", &[])?,
        None => vm.new_dict(),
    };
    if let Some(name) = this.name.bound() {
        vm.set_item(&state, name::name_plain.object(), &name)?;
    }
    vm.set_item(&state, name::args.object(), &this.base.args())?;
    Ok(state)
}

fn attribute_error_reduce(vm: &Vm, args: &[Object]) -> Result {
    let state = attribute_error_getstate(vm, args)?;
    Ok(vm.tuple(vec![args[0].ty().to_object(), base(&args[0]).args(), state]))
}
