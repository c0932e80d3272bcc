//! `_struct`: binary records. `format` reads formats and converts single
//! values; here are the Struct type and the functions of the module.

mod format;

use format::{Layout, pack_values, unpack_values};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use taipan_runtime::buffer::Buffer;
use taipan_runtime::prelude::*;
use taipan_runtime::shared::Place;
use taipan_runtime::support::{allocate, exception_class, raise_kept, this};
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::typ;

const ERROR: &str = "struct.error";

/// The module.
pub static STRUCT: ModuleDef = ModuleDef {
    name: "_struct",
    doc: "Functions to convert between Python values and C structs.\nPython bytes objects are used to hold the data representing the C struct\nand also as format strings (explained below) to describe the layout of data\nin the C struct.",
    functions: &[
        MethodDef::new(
            "_clearcache()",
            |vm, _| {
                if let Some(cache) = vm.at_place(&CACHE) {
                    cache.downcast::<Dict>().into_iter().for_each(|d| d.clear());
                }
                Ok(Object::NONE)
            },
            "Clear the internal cache.",
        ),
        MethodDef::new(
            "calcsize(format, /)",
            |vm, args| Ok(vm.usize(layout(vm, &args[0])?.size)),
            "Return size in bytes of the struct described by the format string.",
        ),
        MethodDef::new(
            "iter_unpack(format, buffer, /)",
            |vm, args| {
                let object = cached(vm, &args[0])?;
                iter_unpack(vm, &object, &args[1])
            },
            "Return an iterator yielding tuples unpacked from the given bytes.\n\nThe bytes are unpacked according to the format string, like\na repeated invocation of unpack_from().\n\nRequires that the bytes length be a multiple of the format struct size.",
        ),
        MethodDef::raw(
            "pack(format, v1, v2, ...)",
            |vm, args, kwnames| {
                no_keywords(vm, "_struct.pack", kwnames)?;
                let Some((format, values)) = args.split_first() else {
                    return Err(vm.type_error("missing format argument"));
                };
                pack(vm, &*layout(vm, format)?, values)
            },
            "pack(format, v1, v2, ...) -> bytes\n\nReturn a bytes object containing the values v1, v2, ... packed according\nto the format string.  See help(struct) for more on format strings.",
        ),
        MethodDef::raw(
            "pack_into(format, buffer, offset, v1, v2, ...)",
            |vm, args, kwnames| {
                no_keywords(vm, "_struct.pack_into", kwnames)?;
                let Some((format, rest)) = args.split_first() else {
                    return Err(vm.type_error("missing format argument"));
                };
                pack_into(vm, &*layout(vm, format)?, rest)
            },
            "pack_into(format, buffer, offset, v1, v2, ...)\n\nPack the values v1, v2, ... according to the format string and write\nthe packed bytes into the writable buffer buf starting at offset.  Note\nthat the offset is a required argument.  See help(struct) for more\non format strings.",
        ),
        MethodDef::new(
            "unpack(format, buffer, /)",
            |vm, args| unpack(vm, &*layout(vm, &args[0])?, &args[1]),
            "Return a tuple containing values unpacked according to the format string.\n\nThe buffer's size in bytes must be calcsize(format).\n\nSee help(struct) for more on format strings.",
        ),
        MethodDef::new(
            "unpack_from(format, /, buffer, offset=0)",
            |vm, args| unpack_from(vm, &*layout(vm, &args[0])?, &args[1], &args[2]),
            "Return a tuple containing values unpacked according to the format string.\n\nThe buffer's size, minus offset, must be at least calcsize(format).\n\nSee help(struct) for more on format strings.",
        ),
    ],
    types: &[&STRUCT_TYPE],
    init: Some(|vm, module| {
        typ::ready(vm, &UNPACK_ITERATOR);
        let error = exception_class(vm, ERROR, "struct", "error", &exc::EXCEPTION, None)?;
        vm.set_attr_str(module, "error", &error)
    }),
};

/// struct.error with a message.
#[cold]
pub fn error(vm: &Vm, message: impl AsRef<str>) -> Raised {
    raise_kept(vm, ERROR, message)
}

fn no_keywords(vm: &Vm, name: &str, kwnames: &[Object]) -> Result<()> {
    if kwnames.is_empty() {
        Ok(())
    } else {
        Err(vm.type_error(format!("{name}() takes no keyword arguments")))
    }
}

// ---- Struct -----------------------------------------------------------------------------

/// Payload of Struct.
pub struct Struct {
    format: RefCell<String>,
    /// None before `__init__`.
    layout: RefCell<Option<Rc<Layout>>>,
}

impl NativeClass for Struct {
    fn class() -> &'static Type {
        &STRUCT_TYPE
    }
}

pub static STRUCT_TYPE: Type = Type::new::<Struct>(
    "_struct.Struct",
    &OBJECT,
    type_flags::BASE | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, _, _| {
            allocate(vm, class, Struct { format: RefCell::default(), layout: RefCell::default() })
        }),
        init: Some(struct_init),
        ..Slots::EMPTY.repr(|vm, object| {
            own_layout(vm, object)?;
            let format = vm.repr_text(&vm.str(&this::<Struct>(object).format.borrow()))?;
            Ok(vm.str(&format!("{}({format})", object.ty().name())))
        })
    },
    &[
        MethodDef::new("iter_unpack($self, buffer, /)", |vm, args| iter_unpack(vm, &args[0], &args[1]), "Return an iterator yielding tuples.\n\nTuples are unpacked from the given bytes source, like a repeated\ninvocation of unpack_from().\n\nRequires that the bytes length be a multiple of the struct size."),
        MethodDef::raw("pack($self, v1, v2, ...)", |vm, args, kwnames| {
            no_keywords(vm, "Struct.pack", kwnames)?;
            let (object, values) = receiver(vm, "pack", args)?;
            pack(vm, &*own_layout(vm, object)?, values)
        }, "pack(v1, v2, ...) -> bytes\n\nReturn a bytes object containing values v1, v2, ... packed\naccording to the format string S.format.  See help(struct) for more on\nformat strings."),
        MethodDef::raw("pack_into($self, buffer, offset, v1, v2, ...)", |vm, args, kwnames| {
            no_keywords(vm, "Struct.pack_into", kwnames)?;
            let (object, rest) = receiver(vm, "pack_into", args)?;
            pack_into(vm, &*own_layout(vm, object)?, rest)
        }, "pack_into(buffer, offset, v1, v2, ...)\n\nPack the values v1, v2, ... according to the format string\nS.format and write the packed bytes into the writable buffer buf\nstarting at offset.  Note that the offset is a required argument.  See\nhelp(struct) for more on format strings."),
        MethodDef::new("unpack($self, buffer, /)", |vm, args| unpack(vm, &*own_layout(vm, &args[0])?, &args[1]), "Return a tuple containing unpacked values.\n\nUnpack according to the format string Struct.format. The buffer's size\nin bytes must be Struct.size.\n\nSee help(struct) for more on format strings."),
        MethodDef::new("unpack_from($self, /, buffer, offset=0)", |vm, args| unpack_from(vm, &*own_layout(vm, &args[0])?, &args[1], &args[2]), "Return a tuple containing unpacked values.\n\nValues are unpacked according to the format string Struct.format.\n\nThe buffer's size in bytes, starting at position offset, must be\nat least Struct.size.\n\nSee help(struct) for more on format strings."),
        MethodDef::new("__sizeof__($self, /)", |vm, args| {
            let codes = own_layout(vm, &args[0])?.items;
            Ok(vm.usize(args[0].ty().instance_size.get() + codes * 32))
        }, "S.__sizeof__() -> size of S in memory, in bytes"),
    ],
    &[
        GetSetDef::new("format", |vm, object| {
            own_layout(vm, object)?;
            Ok(vm.str(&this::<Struct>(object).format.borrow()))
        }).with_doc("struct format string"),
        GetSetDef::new("size", |vm, object| Ok(vm.usize(own_layout(vm, object)?.size))).with_doc("struct size in bytes"),
    ],
)
.with_doc("Struct(fmt) --> compiled struct object\n\n");

fn receiver<'a>(vm: &Vm, name: &str, args: &'a [Object]) -> Result<(&'a Object, &'a [Object])> {
    match args.split_first() {
        Some((object, rest)) if object.downcast::<Struct>().is_some() => Ok((object, rest)),
        Some((object, _)) => Err(vm.type_error(format!(
            "descriptor '{name}' for '_struct.Struct' objects doesn't apply to a '{}' object",
            object.ty().full_name()
        ))),
        None => Err(vm.type_error(format!("unbound method Struct.{name}() needs an argument"))),
    }
}

static SIG: Sig = Sig::new("Struct(format)");

/// The text of a format given as str or bytes.
fn format_text(vm: &Vm, format: &Object) -> Result<String> {
    if let Some(s) = format.downcast::<Str>() {
        let ascii;
        let text = match s.as_ascii() {
            Some(text) => text,
            None => {
                // Raises UnicodeEncodeError.
                ascii = vm.call_method(format, "encode", &[vm.str("ascii")])?;
                return Ok(vm.str_lossy(&ascii));
            }
        };
        return Ok(text.to_string());
    }
    if let Some(bytes) = format.downcast::<Bytes>() {
        return Ok(bytes.as_slice().iter().map(|&b| b as char).collect());
    }
    Err(vm
        .type_error(format!("Struct() argument 1 must be a str or bytes object, not {}", format.ty().name())))
}

fn struct_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    if args.len() > 1 {
        return Err(vm.type_error(format!("Struct() takes at most 1 argument ({} given)", args.len())));
    }
    let bound = SIG.bind(vm, args, kwnames)?;
    let text = format_text(vm, &bound[0])?;
    let layout = Layout::parse(vm, &text)?;
    let this = this::<Struct>(object);
    *this.format.borrow_mut() = text;
    *this.layout.borrow_mut() = Some(Rc::new(layout));
    Ok(())
}

fn own_layout(vm: &Vm, object: &Object) -> Result<Rc<Layout>> {
    match &*this::<Struct>(object).layout.borrow() {
        Some(layout) => Ok(layout.clone()),
        None => Err(vm.runtime_error("Struct object is not initialized")),
    }
}

static CACHE: Place = Place::new();
const MAX_CACHED: usize = 100;

/// The Struct of a format, from the cache if it was used before.
fn cached(vm: &Vm, format: &Object) -> Result {
    if format.downcast::<Struct>().is_some() {
        return Ok(format.clone());
    }
    let cache = match vm.at_place(&CACHE) {
        Some(cache) => cache,
        None => {
            let cache = vm.new_dict();
            vm.put_in_place(&CACHE, cache.clone());
            cache
        }
    };
    let Some(cache) = cache.downcast::<Dict>() else {
        return Err(vm.system_error("struct cache is no dict"));
    };
    if let Some(found) = cache.get(vm, format)? {
        return Ok(found);
    }
    let made = vm.call(&STRUCT_TYPE.to_object(), std::slice::from_ref(format))?;
    if cache.len() >= MAX_CACHED {
        cache.clear();
    }
    cache.set(vm, format, made.clone())?;
    Ok(made)
}

fn layout(vm: &Vm, format: &Object) -> Result<Rc<Layout>> {
    own_layout(vm, &cached(vm, format)?)
}

// ---- operations -------------------------------------------------------------------------

fn pack(vm: &Vm, layout: &Layout, values: &[Object]) -> Result {
    if values.len() != layout.items {
        return Err(error(
            vm,
            format!("pack expected {} items for packing (got {})", layout.items, values.len()),
        ));
    }
    let mut out = Vec::new();
    if out.try_reserve_exact(layout.size).is_err() {
        return Err(vm.memory_error());
    }
    out.resize(layout.size, 0);
    pack_values(vm, layout, values, &mut out)?;
    bytes::new(vm, &out)
}

fn pack_into(vm: &Vm, layout: &Layout, args: &[Object]) -> Result {
    let Some(target) = args.first() else { return Err(error(vm, "pack_into expected buffer argument")) };
    let Some(offset) = args.get(1) else { return Err(error(vm, "pack_into expected offset argument")) };
    let values = &args[2..];
    if values.len() != layout.items {
        return Err(error(
            vm,
            format!("pack_into expected {} items for packing (got {})", layout.items, values.len()),
        ));
    }
    let buffer = vm.writable_bytes_like(target, "argument")?;
    let offset = vm.index_for_item(offset)?;
    let start = place(vm, offset, layout.size, buffer.len(), false)?;
    let mut out = vec![0; layout.size];
    pack_values(vm, layout, values, &mut out)?;
    buffer.with_bytes_mut(|bytes| {
        if let Some(part) = bytes.get_mut(start..start + layout.size) {
            // Padding is zeroed as well.
            part.copy_from_slice(&out);
        }
    });
    Ok(Object::NONE)
}

/// Where an offset (negative: from the end) leads, if there is room.
fn place(vm: &Vm, offset: isize, size: usize, len: usize, unpacking: bool) -> Result<usize> {
    let (verb, word) = if unpacking { ("unpack_from", "unpacking") } else { ("pack_into", "packing") };
    let mut start = offset;
    if offset < 0 {
        if offset.checked_add_unsigned(size).is_some_and(|end| end > 0) {
            return Err(error(
                vm,
                if unpacking {
                    format!("not enough data to unpack {size} bytes at offset {offset}")
                } else {
                    format!("no space to pack {size} bytes at offset {offset}")
                },
            ));
        }
        start = offset.wrapping_add_unsigned(len);
        if start < 0 {
            return Err(error(vm, format!("offset {offset} out of range for {len}-byte buffer")));
        }
    }
    let start = start as usize;
    if len.checked_sub(start).is_none_or(|room| room < size) {
        return Err(error(
            vm,
            format!(
                "{verb} requires a buffer of at least {} bytes for {word} {size} bytes at offset {start} (actual buffer size is {len})",
                start.wrapping_add(size)
            ),
        ));
    }
    Ok(start)
}

fn unpack(vm: &Vm, layout: &Layout, source: &Object) -> Result {
    if let Some(bytes) = source.downcast_exact::<Bytes>()
        && bytes.len() == layout.size
    {
        return Ok(unpack_values(vm, layout, bytes.as_slice()));
    }
    let buffer = vm.bytes_like(source, "unpack() argument")?;
    if buffer.len() != layout.size {
        return Err(error(vm, format!("unpack requires a buffer of {} bytes", layout.size)));
    }
    Ok(unpack_values(vm, layout, buffer.bytes()))
}

fn unpack_from(vm: &Vm, layout: &Layout, source: &Object, offset: &Object) -> Result {
    let buffer = vm.bytes_like(source, "unpack_from() argument")?;
    let offset = vm.index_isize(offset)?;
    let start = place(vm, offset, layout.size, buffer.len(), true)?;
    Ok(unpack_values(vm, layout, &buffer.bytes()[start..start + layout.size]))
}

/// Payload of unpack_iterator.
pub struct UnpackIterator {
    layout: Rc<Layout>,
    buffer: Buffer,
    source: Object,
    pos: Cell<usize>,
}

impl NativeClass for UnpackIterator {
    fn class() -> &'static Type {
        &UNPACK_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.source);
    }
}

pub static UNPACK_ITERATOR: Type = Type::new::<UnpackIterator>(
    "_struct.unpack_iterator",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots {
        next: Some(|vm, object| {
            let this = this::<UnpackIterator>(object);
            let pos = this.pos.get();
            let Some(part) = this.buffer.bytes().get(pos..pos + this.layout.size) else { return Ok(None) };
            this.pos.set(pos + this.layout.size);
            Ok(Some(unpack_values(vm, &this.layout, part)))
        }),
        ..Slots::EMPTY.iter(|_, object| Ok(object.clone()))
    },
    &[MethodDef::new(
        "__length_hint__($self, /)",
        |vm, args| {
            let this = this::<UnpackIterator>(&args[0]);
            Ok(vm.usize((this.buffer.len() - this.pos.get()) / this.layout.size.max(1)))
        },
        "",
    )],
    &[],
);

fn iter_unpack(vm: &Vm, object: &Object, source: &Object) -> Result {
    let layout = own_layout(vm, object)?;
    if layout.size == 0 {
        return Err(error(vm, "cannot iteratively unpack with a struct of length 0"));
    }
    let buffer = vm.bytes_like(source, "iter_unpack() argument")?;
    if buffer.len() % layout.size != 0 {
        return Err(error(
            vm,
            format!("iterative unpacking requires a buffer of a multiple of {} bytes", layout.size),
        ));
    }
    allocate(
        vm,
        &UNPACK_ITERATOR,
        UnpackIterator { layout, buffer, source: source.clone(), pos: Cell::new(0) },
    )
}
