//! Struct sequences: tuples with named fields, such as `os.stat_result`,
//! `time.struct_time` and `sys.flags`.
//!
//! A type is described by a static [`StructDef`] and made once per interpreter.
//! Only the first fields are items of the tuple; the values of the others
//! lie, as a tuple, in the word where other instances keep their `__dict__`.

use crate::alloc::{DICT_AT_END, dict_word};
use crate::names::name;
use crate::prelude::*;
use crate::types::str::Builder;
use crate::types::{dict, native_function, tuple, typ};

/// A field: its name (empty: unnamed) and documentation.
pub type FieldDef = (&'static str, &'static str);

/// Describes a struct sequence type.
pub struct StructDef {
    /// Dotted: `"os.stat_result"`.
    pub name: &'static str,
    pub doc: &'static str,
    pub fields: &'static [FieldDef],
    /// How many of the fields are items of the tuple.
    pub n_sequence: usize,
    /// Python code cannot make instances (`sys.flags`).
    pub no_instances: bool,
}

impl StructDef {
    /// A type whose fields are all items.
    pub const fn new(name: &'static str, doc: &'static str, fields: &'static [FieldDef]) -> StructDef {
        StructDef { name, doc, fields, n_sequence: fields.len(), no_instances: false }
    }
    /// Only the first `n` fields are items.
    pub const fn with_sequence(mut self, n: usize) -> StructDef {
        self.n_sequence = n;
        self
    }
    /// Python code cannot make instances.
    pub const fn without_constructor(mut self) -> StructDef {
        self.no_instances = true;
        self
    }
    fn unnamed(&self) -> usize {
        self.fields.iter().filter(|f| f.0.is_empty()).count()
    }
}

/// Payload of the descriptors of fields.
struct Field {
    def: &'static StructDef,
    index: usize,
}

impl NativeClass for Field {
    fn class() -> &'static Type {
        &FIELD
    }
}

/// The type of the descriptors of fields.
pub static FIELD: Type = Type::new::<Field>(
    "member_descriptor",
    &crate::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots {
        descr_get: Some(|_, descr, object, _| match object {
            Some(object) => Ok(value(object, this(descr).def, this(descr).index)),
            None => Ok(descr.clone()),
        }),
        descr_set: Some(|vm, _, _, _| Err(vm.error(&exc::ATTRIBUTE_ERROR, "readonly attribute"))),
        ..Slots::EMPTY.repr(|vm, descr| {
            let field = this(descr);
            Ok(vm.str(&format!(
                "<member '{}' of '{}' objects>",
                field.def.fields[field.index].0, field.def.name
            )))
        })
    },
    &[],
    &[
        GetSetDef::new("__name__", |vm, d| Ok(vm.intern(this(d).def.fields[this(d).index].0))),
        GetSetDef::new("__doc__", |vm, d| {
            let doc = this(d).def.fields[this(d).index].1;
            Ok(if doc.is_empty() { Object::NONE } else { vm.str(doc) })
        }),
        GetSetDef::new("__objclass__", |vm, d| class(vm, this(d).def)),
    ],
);

fn this(descr: &Object) -> &Field {
    // SAFETY: only called on field descriptors.
    unsafe { descr.payload_unchecked() }
}

/// The value of field `index` of an instance.
fn value(object: &Object, def: &StructDef, index: usize) -> Object {
    if index < def.n_sequence {
        return match object.downcast::<Tuple>() {
            Some(tuple) => tuple.items().get(index).cloned().unwrap_or(Object::NONE),
            None => Object::NONE,
        };
    }
    let hidden = hidden_values(object);
    hidden
        .downcast::<Tuple>()
        .and_then(|tuple| tuple.items().get(index - def.n_sequence).cloned())
        .unwrap_or(Object::NONE)
}

fn hidden_values(object: &Object) -> Object {
    match dict_word(object) {
        // SAFETY: the object's own word.
        Some(word) => unsafe { Object::from_borrowed(*word) },
        None => Object::NONE,
    }
}

static METHODS: [MethodDef; 2] = [
    MethodDef::new("__reduce__($self, /)", reduce, ""),
    MethodDef::raw(
        "__replace__($self, /, **changes)",
        replace,
        "Return a copy of the structure with new values for the specified fields.",
    ),
];

/// The class described by `def`, made on first use.
pub fn class(vm: &Vm, def: &'static StructDef) -> Result {
    if let Some(class) = vm.shared(def.name) {
        return Ok(class);
    }
    let (module, plain) = def.name.rsplit_once('.').unwrap_or(("builtins", def.name));
    let namespace = vm.new_dict();
    let Some(d) = namespace.downcast::<Dict>() else { return Ok(Object::NONE) };
    // The fields come first: `def_of` looks for them.
    let mut match_args = Vec::new();
    for (index, field) in def.fields.iter().enumerate() {
        if field.0.is_empty() {
            continue;
        }
        d.set_text(vm, field.0, vm.alloc(&FIELD, Field { def, index }));
        if index < def.n_sequence {
            match_args.push(vm.intern(field.0));
        }
    }
    d.set_text(vm, "__doc__", if def.doc.is_empty() { Object::NONE } else { vm.str(def.doc) });
    d.set_text(vm, "__module__", vm.intern(module));
    d.set_text(vm, "__slots__", vm.tuple(Vec::new()));
    d.set_text(vm, "n_sequence_fields", vm.usize(def.n_sequence));
    d.set_text(vm, "n_fields", vm.usize(def.fields.len()));
    d.set_text(vm, "n_unnamed_fields", vm.usize(def.unnamed()));
    d.set_text(vm, "__match_args__", vm.tuple(match_args));
    let bases = vm.tuple(vec![tuple::TUPLE.to_object()]);
    let class = vm.call(&typ::TYPE.to_object(), &[vm.intern(plain), bases, namespace])?;
    let Some(ty) = Type::of(&class) else { return Ok(class) };
    for method in &METHODS {
        ty.dict().set_text(vm, method.name(), native_function::new_for_type(vm, method, &tuple::TUPLE));
    }
    drop(ty.dict().remove_str(&vm.intern("__slots__")));
    // Errors name the type with its module; `__name__` is kept apart.
    ty.update_extra(|extra| extra.name_object = Some(vm.intern(plain)));
    ty.set_name(def.name.to_string());
    ty.dict_offset.set(DICT_AT_END);
    let mut flags = (ty.flags.get() | type_flags::IMMUTABLE) & !type_flags::BASE;
    if def.no_instances {
        flags |= type_flags::DISALLOW_INSTANTIATION;
    }
    ty.flags.set(flags);
    ty.update_slots(|slots| {
        slots.new = Some(if def.no_instances { no_new } else { struct_new });
        slots.unary[UnaryOp::Repr as usize] = Some(repr);
    });
    ty.modified();
    vm.share(def.name, class.clone());
    Ok(class)
}

fn no_new(vm: &Vm, class: &Type, _args: &[Object], _kwnames: &[Object]) -> Result {
    let name = def_of(class).map_or(class.name(), |def| def.name);
    Err(vm.type_error(format!("cannot create '{name}' instances")))
}

/// The description of a struct sequence type.
pub fn def_of(class: &Type) -> Option<&'static StructDef> {
    class.dict().entries().iter().find_map(|entry| {
        if entry.key.is_unbound() {
            return None;
        }
        Object::borrow_value(&entry.value).downcast_exact::<Field>().map(|field| field.def)
    })
}

/// An instance; `values` are those of all fields (missing ones are None).
pub fn new(vm: &Vm, def: &'static StructDef, values: Vec<Object>) -> Result {
    let class = class(vm, def)?;
    match Type::of(&class) {
        Some(ty) => instance(vm, ty, def, values),
        None => Err(vm.system_error("struct sequence type is no type")),
    }
}

fn instance(vm: &Vm, class: &Type, def: &StructDef, mut values: Vec<Object>) -> Result {
    values.resize(def.fields.len(), Object::NONE);
    let hidden = values.split_off(def.n_sequence);
    let object = tuple::try_from_vec(vm, class, values).ok_or_else(|| vm.memory_error())?;
    if !hidden.is_empty()
        && let Some(word) = dict_word(&object)
    {
        let hidden = vm.tuple(hidden);
        // SAFETY: the new object's own word, UNBOUND until now.
        unsafe { *word = hidden.into_value() };
    }
    Ok(object)
}

static SIG: Sig = Sig::new("structseq(sequence, dict=<unrepresentable>)");

fn struct_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = SIG.bind(vm, args, kwnames)?;
    let Some(def) = def_of(class) else { return Err(vm.type_error("not a struct sequence type")) };
    let mut values = match vm.collect(&args[0]) {
        Ok(values) => values,
        Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
            drop(vm.caught(raised));
            return Err(vm.type_error("constructor requires a sequence"));
        }
        Err(raised) => return Err(raised),
    };
    let extra = args[1].bound();
    let extra_dict = match extra {
        Some(object) => match object.downcast::<Dict>() {
            Some(d) => Some(d),
            None => {
                return Err(vm.type_error(format!("{}() takes a dict as second arg, if any", def.name)));
            }
        },
        None => None,
    };
    let (len, least, most) = (values.len(), def.n_sequence, def.fields.len());
    let wrong = |word: &str, n: usize| {
        vm.type_error(format!("{}() takes {word} {n}-sequence ({len}-sequence given)", def.name))
    };
    if least == most {
        if len != least {
            return Err(wrong("a", least));
        }
    } else if len < least {
        return Err(wrong("an at least", least));
    } else if len > most {
        return Err(wrong("an at most", most));
    }
    let mut used = 0;
    for field in &def.fields[len..] {
        let found = match extra_dict {
            Some(d) if !field.0.is_empty() => d.get(vm, &vm.intern(field.0))?,
            _ => None,
        };
        used += found.is_some() as usize;
        values.push(found.unwrap_or(Object::NONE));
    }
    if extra_dict.is_some_and(|d| d.len() > used) {
        return Err(vm.type_error(format!("{}() got duplicate or unexpected field name(s)", def.name)));
    }
    instance(vm, class, def, values)
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let Some(def) = def_of(object.ty()) else { return Ok(vm.intern("()")) };
    let mut out = Builder::new();
    out.push_str(def.name);
    out.push_str("(");
    let items = object.downcast::<Tuple>().map_or(&[][..], |t| t.items());
    let names = def.fields.iter().filter(|f| !f.0.is_empty());
    for (i, (item, field)) in items.iter().zip(names).enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(field.0);
        out.push_str("=");
        out.push_object(&vm.repr(item)?);
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

fn require(vm: &Vm, object: &Object) -> Result<&'static StructDef> {
    def_of(object.ty()).ok_or_else(|| vm.type_error_of(object, "is not a struct sequence"))
}

fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let def = require(vm, object)?;
    let items = object.downcast::<Tuple>().map_or(Vec::new(), |t| t.items().to_vec());
    let rest = dict::new(vm);
    if let Some(d) = rest.downcast::<Dict>() {
        for (i, field) in def.fields.iter().enumerate().skip(def.n_sequence) {
            d.set_text(vm, field.0, value(object, def, i));
        }
    }
    Ok(vm.tuple(vec![object.ty().to_object(), vm.tuple(vec![vm.tuple(items), rest])]))
}

fn replace(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let Some(object) = args.first() else { return Err(vm.type_error("__replace__() needs an argument")) };
    let def = require(vm, object)?;
    if args.len() > 1 + kwnames.len() {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    if def.unnamed() > 0 {
        return Err(vm.type_error(format!(
            "__replace__() is not supported for {} because it has unnamed field(s)",
            def.name
        )));
    }
    let mut values: Vec<Object> = (0..def.fields.len()).map(|i| value(object, def, i)).collect();
    let mut unknown = Vec::new();
    for (key, new) in kwnames.iter().zip(&args[1..]) {
        let key_text = vm.str_lossy(key);
        match def.fields.iter().position(|f| f.0 == key_text) {
            Some(i) => values[i] = new.clone(),
            None => unknown.push(key.clone()),
        }
    }
    if !unknown.is_empty() {
        let shown = vm.repr_text(&vm.list(unknown))?;
        return Err(vm.type_error(format!("Got unexpected field name(s): {shown}")));
    }
    instance(vm, object.ty(), def, values)
}

/// Readers of this file may wonder where the names of dunders come from.
const _: crate::names::Name = name::match_args;
