//! Raising exceptions from native code, in CPython's words.

use crate::prelude::*;
pub use crate::types::exceptions::exc;
use crate::types::exceptions::{self as exceptions, BaseException};

/// A new exception instance of `class` with one string argument.
pub fn new_exception(vm: &Vm, class: &Type, message: &str) -> Object {
    exceptions::new_with_args(vm, class, vec![vm.str(message)])
}

macro_rules! raisers {
    ($($method:ident $class:ident $doc:literal,)*) => {
        impl Vm {
            $(#[doc = $doc]
            #[cold]
            pub fn $method(&self, message: impl AsRef<str>) -> Raised {
                self.error(&exc::$class, message)
            })*
        }
    };
}

raisers! {
    type_error TYPE_ERROR "TypeError with a message.",
    value_error VALUE_ERROR "ValueError with a message.",
    runtime_error RUNTIME_ERROR "RuntimeError with a message.",
    recursion_error RECURSION_ERROR "RecursionError with a message.",
    index_error INDEX_ERROR "IndexError with a message.",
    overflow_error OVERFLOW_ERROR "OverflowError with a message.",
    zero_division ZERO_DIVISION_ERROR "ZeroDivisionError with a message.",
    buffer_error BUFFER_ERROR "BufferError with a message.",
    system_error SYSTEM_ERROR "SystemError with a message.",
    lookup_error LOOKUP_ERROR "LookupError with a message.",
    not_implemented_error NOT_IMPLEMENTED_ERROR "NotImplementedError with a message.",
    assertion_error ASSERTION_ERROR "AssertionError with a message.",
    eof_error EOF_ERROR "EOFError with a message.",
}

impl Vm {
    /// An exception of `class` with one message.
    #[cold]
    pub fn error(&self, class: &Type, message: impl AsRef<str>) -> Raised {
        let exception = new_exception(self, class, message.as_ref());
        self.raise_in_context(exception)
    }
    /// Raises an exception of `class` with these arguments.
    #[cold]
    pub fn error_with(&self, class: &Type, args: Vec<Object>) -> Raised {
        let exception = exceptions::new_with_args(self, class, args);
        self.raise_in_context(exception)
    }
    /// MemoryError, without a message.
    #[cold]
    pub fn memory_error(&self) -> Raised {
        self.error_with(&exc::MEMORY_ERROR, Vec::new())
    }
    /// KeyError of a key.
    #[cold]
    pub fn key_error(&self, key: &Object) -> Raised {
        self.error_with(&exc::KEY_ERROR, vec![key.clone()])
    }
    /// StopIteration with a value (None: no arguments).
    #[cold]
    pub fn stop_iteration(&self, value: Object) -> Raised {
        let args = if value.is_none() { Vec::new() } else { vec![value] };
        self.error_with(&exc::STOP_ITERATION, args)
    }
    /// AttributeError as `object.attr` raises it, with `name` and `obj` set.
    #[cold]
    pub fn no_attribute(&self, object: &Object, name: &Object) -> Raised {
        let text = match Type::of(object) {
            Some(ty) => {
                format!("type object '{}' has no attribute '{}'", ty.full_name(), self.str_lossy(name))
            }
            None => {
                format!("'{}' object has no attribute '{}'", object.ty().full_name(), self.str_lossy(name))
            }
        };
        self.attribute_error(text, object, name)
    }
    /// AttributeError with `name` and `obj` set.
    #[cold]
    pub fn attribute_error(&self, text: impl AsRef<str>, object: &Object, name: &Object) -> Raised {
        let exception = new_exception(self, &exc::ATTRIBUTE_ERROR, text.as_ref());
        exceptions::set_name_and_obj(&exception, name.clone(), object.clone());
        self.raise_in_context(exception)
    }
    /// NameError with `name` set.
    #[cold]
    pub fn name_error(&self, text: impl AsRef<str>, name: &Object) -> Raised {
        let exception = new_exception(self, &exc::NAME_ERROR, text.as_ref());
        exceptions::set_name_and_obj(&exception, name.clone(), Object::UNBOUND);
        self.raise_in_context(exception)
    }
    /// ImportError with `name` (and `path`) set.
    #[cold]
    pub fn import_error(&self, text: impl AsRef<str>, name: &Object) -> Raised {
        let exception = new_exception(self, &exc::IMPORT_ERROR, text.as_ref());
        exceptions::set_attr_quietly(self, &exception, "name", name.clone());
        self.raise_in_context(exception)
    }
    /// OSError (or its subclass) of an errno, with an optional file name.
    #[cold]
    pub fn os_error(&self, errno: i32, filename: Option<&Object>) -> Raised {
        self.os_error2(errno, filename, None)
    }
    /// As [`Vm::os_error`] with a second file name.
    #[cold]
    pub fn os_error2(&self, errno: i32, filename: Option<&Object>, filename2: Option<&Object>) -> Raised {
        let mut args = vec![self.int(errno as i64), self.str(&errno_text(errno))];
        if let Some(name) = filename {
            args.push(name.clone());
            if let Some(second) = filename2 {
                args.push(Object::NONE);
                args.push(second.clone());
            }
        }
        match self.call(&exc::OS_ERROR.to_object(), &args) {
            Ok(exception) => self.raise_in_context(exception),
            Err(raised) => raised,
        }
    }
    /// OSError of the last failed system call.
    #[cold]
    pub fn last_os_error(&self, filename: Option<&Object>) -> Raised {
        self.os_error(std::io::Error::last_os_error().raw_os_error().unwrap_or(0), filename)
    }
    /// Raises `exception`, its `__context__` being the exception handled now.
    pub fn raise_in_context(&self, exception: Object) -> Raised {
        let handled = self.handled();
        if !handled.is_none() {
            exceptions::set_context(&exception, handled);
        }
        self.raise(exception)
    }
    /// "'X' object is not Y" errors: `what` follows the type's name.
    #[cold]
    pub fn type_error_of(&self, object: &Object, what: &str) -> Raised {
        self.type_error(format!("'{}' object {what}", object.ty().full_name()))
    }
    /// Gives the error a cause: `raise new from old`.
    pub fn chain_cause(&self, new: Raised, old: Object) -> Raised {
        let exception = self.caught(new);
        if let Some(base) = exception.downcast::<BaseException>() {
            base.set_cause(old);
        }
        self.raise(exception)
    }
}

/// The C library's text for an errno, as `os.strerror`.
pub fn errno_text(errno: i32) -> String {
    // SAFETY: strerror_r with a buffer of our own.
    unsafe {
        let mut buffer = [0 as libc::c_char; 256];
        if libc::strerror_r(errno, buffer.as_mut_ptr(), buffer.len()) != 0 {
            return format!("Unknown error {errno}");
        }
        std::ffi::CStr::from_ptr(buffer.as_ptr()).to_string_lossy().into_owned()
    }
}
