//! OSError: the fields `errno`, `strerror`, `filename`, `filename2`,
//! `characters_written`, and the choice of a subclass by errno.
//!
//! As in CPython the arguments are parsed by `__new__`, unless a subclass
//! overrides `__init__` only: then by `__init__`.

use crate::prelude::*;
use crate::ty::{InitFn, NewFn};
use crate::types::cell::ObjectCell;
use crate::types::exceptions::{self, BaseException, base, object_field, payload, positional};
use crate::types::str;
use std::cell::Cell;

/// Payload of OSError and its subclasses.
#[repr(C)]
pub struct OsError {
    base: BaseException,
    errno: ObjectCell,
    strerror: ObjectCell,
    filename: ObjectCell,
    filename2: ObjectCell,
    /// -1: not set.
    written: Cell<isize>,
}

impl OsError {
    /// The errno, if it is a small int.
    pub fn errno(&self) -> Option<i64> {
        crate::types::int::to_i64(&self.errno.bound()?)
    }
}

impl NativeClass for OsError {
    fn class() -> &'static Type {
        &exc::OS_ERROR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.base.traverse(visitor);
        self.errno.traverse(visitor);
        self.strerror.traverse(visitor);
        self.filename.traverse(visitor);
        self.filename2.traverse(visitor);
    }
    fn clear(&self) {
        self.base.clear();
        self.errno.clear();
        self.strerror.clear();
        self.filename.clear();
        self.filename2.clear();
    }
}

pub(crate) const OS_METHODS: &[MethodDef] = &[MethodDef::new("__reduce__($self, /)", os_reduce, "")];

pub(crate) const OS_GETSET: &[GetSetDef] = &[
    object_field!(OsError, "errno", errno).with_doc("POSIX exception code"),
    object_field!(OsError, "strerror", strerror).with_doc("exception strerror"),
    object_field!(OsError, "filename", filename).with_doc("exception filename"),
    object_field!(OsError, "filename2", filename2).with_doc("second exception filename"),
    GetSetDef::new("characters_written", get_written).with_set(set_written),
];

/// The subclass for an errno.
fn class_of_errno(errno: i64) -> Option<&'static Type> {
    Some(match i32::try_from(errno).ok()? {
        // EWOULDBLOCK is EAGAIN on the systems we know.
        libc::EAGAIN | libc::EALREADY | libc::EINPROGRESS => &exc::BLOCKING_IO_ERROR,
        libc::EPIPE | libc::ESHUTDOWN => &exc::BROKEN_PIPE_ERROR,
        libc::ECHILD => &exc::CHILD_PROCESS_ERROR,
        libc::ECONNABORTED => &exc::CONNECTION_ABORTED_ERROR,
        libc::ECONNREFUSED => &exc::CONNECTION_REFUSED_ERROR,
        libc::ECONNRESET => &exc::CONNECTION_RESET_ERROR,
        libc::EEXIST => &exc::FILE_EXISTS_ERROR,
        libc::ENOENT => &exc::FILE_NOT_FOUND_ERROR,
        libc::EISDIR => &exc::IS_A_DIRECTORY_ERROR,
        libc::ENOTDIR => &exc::NOT_A_DIRECTORY_ERROR,
        libc::EINTR => &exc::INTERRUPTED_ERROR,
        libc::EACCES | libc::EPERM => &exc::PERMISSION_ERROR,
        libc::ESRCH => &exc::PROCESS_LOOKUP_ERROR,
        libc::ETIMEDOUT => &exc::TIMEOUT_ERROR,
        _ => return None,
    })
}

/// Does `__init__` parse the arguments? If a subclass overrides it, but not `__new__`.
fn init_parses(class: &Type) -> bool {
    let slots = class.slots();
    slots.init.map(|f| f as usize) != Some(os_init as InitFn as usize)
        && slots.new.map(|f| f as usize) == Some(os_new as NewFn as usize)
}

/// Fills in the fields from the arguments.
fn parse(vm: &Vm, object: &Object, args: &[Object]) -> Result<()> {
    let this = payload::<OsError>(object);
    let mut kept = args;
    if (2..=5).contains(&args.len()) {
        if let Some(filename) = args.get(2).and_then(|f| f.some()) {
            let is_number = {
                let unary = &filename.ty().slots().unary;
                filename.is_int()
                    || filename.is_float()
                    || [UnaryOp::Int, UnaryOp::Float, UnaryOp::Index]
                        .iter()
                        .any(|&op| unary[op as usize].is_some())
            };
            if object.ty().is(&exc::BLOCKING_IO_ERROR) && is_number {
                this.written.set(written_from(vm, filename)?);
            } else {
                this.filename.set(filename.clone());
                if let Some(second) = args.get(4).and_then(|f| f.some()) {
                    this.filename2.set(second.clone());
                }
                kept = &args[..2];
            }
        }
        this.errno.set(args[0].clone());
        this.strerror.set(args[1].clone());
    }
    base(object).set_args(vm.tuple(kept.to_vec()));
    Ok(())
}

fn written_from(vm: &Vm, number: &Object) -> Result<isize> {
    let index = vm.index(number)?;
    match crate::types::int::to_i64(&index) {
        Some(n) => Ok(n as isize),
        None => {
            Err(vm.value_error(format!("cannot fit '{}' into an index-sized integer", number.ty().name())))
        }
    }
}

pub(crate) fn os_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(args, kwnames);
    let by_init = init_parses(class);
    let mut class = class;
    if !by_init {
        exceptions::no_keywords(vm, class, kwnames)?;
        if (2..=5).contains(&given.len())
            && class.is(&exc::OS_ERROR)
            && let Some(errno) = crate::types::int::to_i64(&given[0])
            && let Some(subclass) = class_of_errno(errno)
        {
            class = subclass;
        }
    }
    let object = vm
        .try_alloc(
            class,
            OsError {
                base: BaseException::new(vm.tuple(Vec::new())),
                errno: ObjectCell::EMPTY,
                strerror: ObjectCell::EMPTY,
                filename: ObjectCell::EMPTY,
                filename2: ObjectCell::EMPTY,
                written: Cell::new(-1),
            },
        )
        .ok_or_else(|| vm.memory_error())?;
    if !by_init {
        parse(vm, &object, given)?;
    }
    Ok(object)
}

pub(crate) fn os_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    if !init_parses(object.ty()) {
        return Ok(());
    }
    exceptions::no_keywords(vm, object.ty(), kwnames)?;
    parse(vm, object, args)
}

pub(crate) fn os_str(vm: &Vm, object: &Object) -> Result {
    let this = payload::<OsError>(object);
    let errno = this.errno.or_none();
    let strerror = this.strerror.or_none();
    let mut out = str::Builder::new();
    if let Some(filename) = this.filename.bound() {
        out.push_str("[Errno ");
        out.push_object(&vm.str_of(&errno)?);
        out.push_str("] ");
        out.push_object(&vm.str_of(&strerror)?);
        out.push_str(": ");
        out.push_object(&vm.repr(&filename)?);
        if let Some(second) = this.filename2.bound() {
            out.push_str(" -> ");
            out.push_object(&vm.repr(&second)?);
        }
        return Ok(out.finish(vm));
    }
    if !this.errno.is_empty() && !this.strerror.is_empty() {
        out.push_str("[Errno ");
        out.push_object(&vm.str_of(&errno)?);
        out.push_str("] ");
        out.push_object(&vm.str_of(&strerror)?);
        return Ok(out.finish(vm));
    }
    exceptions::base_str(vm, object)
}

fn os_reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = payload::<OsError>(&args[0]);
    let mut items = base(&args[0]).arg_items();
    if items.len() == 2
        && let Some(filename) = this.filename.bound()
    {
        items.push(filename);
        if let Some(second) = this.filename2.bound() {
            items.push(Object::NONE);
            items.push(second);
        }
        return exceptions::reduce_with(vm, &args[0], vm.tuple(items));
    }
    exceptions::reduce_with(vm, &args[0], base(&args[0]).args())
}

fn get_written(vm: &Vm, object: &Object) -> Result {
    match payload::<OsError>(object).written.get() {
        -1 => Err(vm.error(&exc::ATTRIBUTE_ERROR, "characters_written")),
        n => Ok(vm.int(n as i64)),
    }
}

fn set_written(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let this = payload::<OsError>(object);
    match value {
        Some(value) => this.written.set(written_from(vm, value)?),
        None if this.written.get() == -1 => return Err(vm.error(&exc::ATTRIBUTE_ERROR, "characters_written")),
        None => this.written.set(-1),
    }
    Ok(())
}
