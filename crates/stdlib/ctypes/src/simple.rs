//! `_SimpleCData`: numbers, characters, pointers to text, objects.

use crate::cdata::{self, CDATA, data};
use crate::info::{self, Info, Kind, flag};
use crate::memory::CData;
use crate::meta::{self, class_of, counted};
use crate::param::{self, Argument, Content};
use crate::values;
use taipan_runtime::prelude::*;
use taipan_runtime::support::check_arity;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::native_function::new_for_type;
use taipan_runtime::types::typ;

pub static SIMPLE: Type = Type::new::<CData>(
    "_ctypes._SimpleCData",
    &CDATA,
    type_flags::BASE,
    Slots {
        new: Some(cdata::new_slot),
        init: Some(init),
        bool: Some(|_, o| {
            let payload = data(o);
            Ok(payload.place().bytes(payload.size.get()).iter().any(|&b| b != 0))
        }),
        ..Slots::EMPTY.repr(repr)
    },
    &[MethodDef::new(
        "__ctypes_from_outparam__($self, /)",
        |vm, args| if cdata::is_plain(args[0].ty()) { value(vm, &args[0]) } else { Ok(args[0].clone()) },
        "default __ctypes_from_outparam__ method returns self.",
    )],
    &[GetSetDef::new("value", value).with_set(set_value).with_doc("current value")],
)
.with_metatype(&meta::SIMPLE_TYPE)
.with_doc("XXX to be provided");

// ---- instances ------------------------------------------------------------------------

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let given = args.len() - kwnames.len();
    check_arity(vm, "__init__", given, 0, 1)?;
    match args[..given].first() {
        Some(value) => set_value(vm, object, Some(value)),
        None => Ok(()),
    }
}

fn value(vm: &Vm, object: &Object) -> Result {
    let info = cdata::concrete(vm, object.ty())?;
    let size = info.size.get();
    values::get(vm, info.code, info.swapped, cdata::enough(vm, object, size)?, size)
}

fn set_value(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.type_error("can't delete attribute")) };
    let info = cdata::concrete(vm, object.ty())?;
    let size = info.size.get();
    let at = cdata::enough(vm, object, size)?;
    let what = values::set(vm, info.code, info.swapped, at, value, size)?;
    cdata::keep(vm, object, 0, what)
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let name = object.ty().full_name();
    if !cdata::is_plain(object.ty()) {
        return Ok(vm.str(&format!("<{name} object at {:#x}>", object.bits())));
    }
    let shown = value(vm, object)?;
    Ok(vm.str(&format!("{name}({})", vm.repr_text(&shown)?)))
}

// ---- classes --------------------------------------------------------------------------

/// The letter of a class, checked.
fn letter(vm: &Vm, class: &Object) -> Result<(u8, Object)> {
    let Some(proto) = vm.lookup_attr_str(class, "_type_")? else {
        return Err(vm.error(&exc::ATTRIBUTE_ERROR, "class must define a '_type_' attribute"));
    };
    let Some(text) = proto.downcast::<Str>() else {
        return Err(vm.type_error("class must define a '_type_' string attribute"));
    };
    if text.to_wtf8().len() != 1 {
        return Err(
            vm.value_error("class must define a '_type_' attribute which must be a string of length 1")
        );
    }
    let code = text.char_at(0) as u8;
    if values::layout(code).is_none() {
        return Err(vm.error(
            &exc::ATTRIBUTE_ERROR,
            format!(
                "class must define a '_type_' attribute which must be\na single character string containing one of the\nsupported types: '{}'.",
                values::LETTERS
            ),
        ));
    }
    Ok((code, proto))
}

fn storage(code: u8, swapped: bool, proto: Object) -> Info {
    let (size, align) = values::layout(code).unwrap_or((0, 1));
    let mut info = Info::new(Kind::Simple);
    info.code = code;
    info.swapped = swapped;
    info.size.set(size);
    info.align.set(align);
    info.proto.set(proto);
    *info.format.borrow_mut() = values::format(code, swapped);
    if matches!(code, b'z' | b'Z' | b'P' | b'O' | b'u') {
        info.add(if code == b'u' { 0 } else { flag::IS_POINTER });
    }
    info
}

static FROM_CHAR_P: MethodDef =
    counted!("from_param", "($type, value, /)", (1, 1), |vm, args| text_from_param(vm, args, b'z'), "")
        .class_method();
static FROM_WCHAR_P: MethodDef =
    counted!("from_param", "($type, value, /)", (1, 1), |vm, args| text_from_param(vm, args, b'Z'), "")
        .class_method();
static FROM_VOID_P: MethodDef =
    counted!("from_param", "($type, value, /)", (1, 1), void_from_param, "").class_method();

/// Initialises a class: `_type_` says what it is.
pub fn init_class(vm: &Vm, class: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    if let Some(init) = typ::TYPE.slots().init {
        init(vm, class, args, kwnames)?;
    }
    let (code, proto) = letter(vm, class)?;
    info::install(vm, class, storage(code, false, proto.clone()))?;
    let ty = class_of(class);
    if cdata::is_plain(ty) {
        let method = match code {
            b'z' => Some(&FROM_CHAR_P),
            b'Z' => Some(&FROM_WCHAR_P),
            b'P' => Some(&FROM_VOID_P),
            _ => None,
        };
        if let Some(method) = method {
            let object = class_method(vm, method);
            ty.dict().set_text(vm, "from_param", object);
            ty.modified();
        }
    }
    if class.ty().is(&meta::SIMPLE_TYPE) && values::has_twin(code) && args.len() >= 3 {
        let twin = twin(vm, class, args, code, proto)?;
        let (own, other) = if cfg!(target_endian = "little") {
            ("__ctype_le__", "__ctype_be__")
        } else {
            ("__ctype_be__", "__ctype_le__")
        };
        vm.set_attr_str(class, other, &twin)?;
        vm.set_attr_str(class, own, class)?;
        vm.set_attr_str(&twin, own, class)?;
        vm.set_attr_str(&twin, other, &twin)?;
    }
    Ok(())
}

/// A class method for the dict of a heap type.
fn class_method(vm: &Vm, def: &'static MethodDef) -> Object {
    new_for_type(vm, def, &SIMPLE)
}

/// The same class in the other byte order.
fn twin(vm: &Vm, class: &Object, args: &[Object], code: u8, proto: Object) -> Result {
    let suffix = if cfg!(target_endian = "little") { "_be" } else { "_le" };
    let name = vm.str(&format!("{}{suffix}", vm.str_lossy(&args[0])));
    let Some(new) = typ::TYPE.slots().new else {
        return Err(vm.system_error("type cannot be made"));
    };
    let twin = new(vm, class.ty(), &[name, args[1].clone(), args[2].clone()], &[])?;
    info::install(vm, &twin, storage(code, true, proto))?;
    Ok(twin)
}

// ---- parameters -----------------------------------------------------------------------

/// `from_param` of simple classes.
pub fn from_param(vm: &Vm, args: &[Object]) -> Result {
    let (class, value) = (&args[0], &args[1]);
    if vm.is_instance(value, class)? {
        return Ok(value.clone());
    }
    let info = cdata::concrete(vm, class_of(class))?;
    let mut content = Content::default();
    // Arguments are in the order of the machine.
    let made = values::set(vm, info.code, false, content.place(), value, info.size.get());
    let raised = match made {
        Ok(keeper) => return param::new(vm, info.code, content, keeper),
        Err(raised) => raised,
    };
    let exception = vm.caught(raised);
    if let Some(stand_in) = param::stand_in(vm, value)? {
        return from_param(vm, &[class.clone(), stand_in]);
    }
    Err(vm.raise(exception))
}

fn cannot_be(vm: &Vm, value: &Object, what: &str) -> Raised {
    vm.type_error(format!("'{}' object cannot be interpreted as ctypes.{what}", value.ty().full_name()))
}

/// An argument made of a text or an address.
fn of_text(vm: &Vm, code: u8, value: &Object) -> Result {
    let mut content = Content::default();
    let keeper = values::set(vm, code, false, content.place(), value, 8)?;
    param::new(vm, code, content, if keeper.is_none() { value.clone() } else { keeper })
}

/// `from_param` of c_char_p and c_wchar_p.
fn text_from_param(vm: &Vm, args: &[Object], code: u8) -> Result {
    let (class, value) = (&args[0], &args[1]);
    let wide = code == b'Z';
    if value.is_none() {
        return Ok(Object::NONE);
    }
    let is_text = if wide { value.downcast::<Str>().is_some() } else { value.downcast::<Bytes>().is_some() };
    if is_text {
        return of_text(vm, code, value);
    }
    if vm.is_instance(value, class)? {
        return Ok(value.clone());
    }
    let item_code = if wide { b'u' } else { b'c' };
    let fits = |class: &Object| {
        info::of_class(class).is_some_and(|item| item.kind == Kind::Simple && item.code == item_code)
    };
    if let Some(info) = info::of_instance(value)
        && matches!(info.kind, Kind::Array | Kind::Pointer)
        && info.item().as_ref().is_some_and(fits)
    {
        return Ok(value.clone());
    }
    if let Some(argument) = value.downcast_exact::<Argument>()
        && let Some(target) = argument.object.bound()
        && fits(&target.ty().to_object())
    {
        return Ok(value.clone());
    }
    if let Some(stand_in) = param::stand_in(vm, value)? {
        return text_from_param(vm, &[class.clone(), stand_in], code);
    }
    Err(cannot_be(vm, value, if wide { "c_wchar_p" } else { "c_char_p" }))
}

/// `from_param` of c_void_p, which takes nearly everything.
fn void_from_param(vm: &Vm, args: &[Object]) -> Result {
    let (class, value) = (&args[0], &args[1]);
    if value.is_none() {
        return Ok(Object::NONE);
    }
    if int::is_any_int(value) {
        let mut content = Content::default();
        values::set(vm, b'P', false, content.place(), value, 8)?;
        return param::new(vm, b'P', content, Object::NONE);
    }
    if value.downcast::<Bytes>().is_some() {
        return of_text(vm, b'z', value);
    }
    if value.downcast::<Str>().is_some() {
        return of_text(vm, b'Z', value);
    }
    if vm.is_instance(value, class)? {
        return Ok(value.clone());
    }
    if let Some(info) = info::of_instance(value) {
        match (info.kind, info.code) {
            (Kind::Array | Kind::Pointer, _) => return Ok(value.clone()),
            // The address of a function, and of a text.
            (Kind::Function, _) | (Kind::Simple, b'z' | b'Z') => {
                let mut content = Content::default();
                content.place().copy_from(cdata::enough(vm, value, 8)?, 8);
                let tag = if info.kind == Kind::Simple { b'Z' } else { b'P' };
                return param::new(vm, tag, content, value.clone());
            }
            _ => {}
        }
    }
    if let Some(argument) = value.downcast_exact::<Argument>()
        && argument.tag == b'P'
    {
        return Ok(value.clone());
    }
    if let Some(stand_in) = param::stand_in(vm, value)? {
        return void_from_param(vm, &[class.clone(), stand_in]);
    }
    Err(cannot_be(vm, value, "c_void_p"))
}
