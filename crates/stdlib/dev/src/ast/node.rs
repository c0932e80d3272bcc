//! `AST`, the base class of all nodes: constructor, repr, copying, pickling;
//! and the making of its subclasses from the table.

use super::schema;
use std::collections::HashMap;
use taipan_runtime::lookup::instance_set;
use taipan_runtime::prelude::*;
use taipan_runtime::sharing::complete;
use taipan_runtime::support::allocate;
use taipan_runtime::types::list_methods::LIST;
use taipan_runtime::types::object::{OBJECT, get_dict, set_dict};
use taipan_runtime::types::str_methods::STR;
use taipan_runtime::types::{int, typ};

/// Payload of nodes: everything is in the instance's dict.
pub struct Node;

impl NativeClass for Node {
    fn class() -> &'static Type {
        &AST
    }
}

/// `AST`.
pub static AST: Type = Type::new::<Node>(
    "ast.AST",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, Node)),
        init: Some(init),
        ..Slots::EMPTY.repr(|vm, o| Ok(vm.str(&shown(vm, o, 3)?)))
    },
    &[
        MethodDef::new("__reduce__($self, /)", reduce, ""),
        MethodDef::raw(
            "__replace__($self, /, **fields)",
            replace,
            "Return a copy of the AST node with new values for the specified fields.",
        ),
    ],
    &[GetSetDef::new("__dict__", get_dict).with_set(set_dict)],
)
.with_dict();

/// Key of the dict of classes by name.
const CLASSES: &str = "_ast.classes";

/// The class of a name.
pub fn class_of(vm: &Vm, name: &str) -> Option<Object> {
    vm.shared(CLASSES)?.downcast::<Dict>()?.get_text(vm, name)
}

/// The rows of the table by class.
pub struct Classes(HashMap<u64, &'static schema::Def>);

impl Classes {
    /// All of them.
    pub fn new(vm: &Vm) -> Classes {
        let row = |def: &'static schema::Def| Some((class_of(vm, def.name)?.bits(), def));
        Classes(schema::table().iter().filter_map(row).collect())
    }
    /// The row for a node, of this group.
    pub fn find(&self, object: &Object, group: Option<&str>) -> Option<&'static schema::Def> {
        object
            .ty()
            .mro()
            .filter_map(|t| self.0.get(&t.to_object().bits()))
            .find(|def| group.is_none_or(|g| def.base == g || def.name == g))
            .copied()
    }
}

/// Makes all classes and puts them into the module.
pub fn make_classes(vm: &Vm, module: &Object) -> Result<()> {
    let empty = vm.tuple(Vec::new());
    complete(vm, &AST, || {
        for name in ["_fields", "__match_args__", "_attributes"] {
            AST.dict().set_text(vm, name, empty.clone());
        }
        // A class like any other for programs.
        AST.flags.set(AST.flags.get() & !type_flags::IMMUTABLE);
    });
    let classes = vm.new_dict();
    let Some(table) = classes.downcast::<Dict>() else { return Ok(()) };
    table.set_text(vm, "AST", AST.to_object());
    vm.share(CLASSES, classes.clone());
    for def in schema::table() {
        let namespace = vm.new_dict();
        let Some(d) = namespace.downcast::<Dict>() else { continue };
        let fields = vm.tuple(def.fields.iter().map(|f| vm.intern(f.name)).collect());
        d.set_text(vm, "_fields", fields.clone());
        d.set_text(vm, "__match_args__", fields);
        d.set_text(vm, "__module__", vm.intern("ast"));
        d.set_text(vm, "__doc__", vm.str(&def.doc));
        if def.group || def.positions {
            let names = if def.positions { &schema::ATTRIBUTES[..] } else { &[] };
            d.set_text(vm, "_attributes", vm.tuple(names.iter().map(|n| vm.intern(n)).collect()));
        }
        for field in def.fields.iter().filter(|f| f.optional) {
            d.set_text(vm, field.name, Object::NONE);
        }
        if def.positions {
            d.set_text(vm, "end_lineno", Object::NONE);
            d.set_text(vm, "end_col_offset", Object::NONE);
        }
        let base = table.get_text(vm, def.base).unwrap_or_else(|| AST.to_object());
        let args = [vm.intern(def.name), vm.tuple(vec![base]), namespace.clone()];
        let class = vm.call(&typ::TYPE.to_object(), &args)?;
        table.set_text(vm, def.name, class);
    }
    for def in schema::table() {
        let Some(class) = table.get_text(vm, def.name) else { continue };
        if !def.group {
            let types = vm.new_dict();
            for field in &def.fields {
                let mut ty = match field.kind {
                    "identifier" | "string" => STR.to_object(),
                    "int" => int::INT.to_object(),
                    "constant" => OBJECT.to_object(),
                    other => table.get_text(vm, other).unwrap_or(Object::NONE),
                };
                if field.list {
                    ty = vm.get_item(&LIST.to_object(), &ty)?;
                } else if field.optional {
                    ty = vm.binary(BinaryOp::Or, &ty, &Object::NONE)?;
                }
                vm.set_item(&types, &vm.intern(field.name), &ty)?;
            }
            vm.set_attr_str(&class, "_field_types", &types)?;
            vm.set_attr_str(&class, "__annotations__", &types)?;
        }
        vm.set_attr_str(module, def.name, &class)?;
    }
    vm.set_attr_str(module, "AST", &AST.to_object())
}

/// A new instance of a class, without its constructor.
pub fn instance(vm: &Vm, class: &Object) -> Result {
    match Type::of(class) {
        Some(class) => allocate(vm, class, Node),
        None => Err(vm.system_error("AST class is missing")),
    }
}

/// Sets an attribute of a node in its dict.
pub fn put(vm: &Vm, node: &Object, name: &str, value: &Object) -> Result<()> {
    instance_set(vm, node, &vm.intern(name), Some(value)).map(drop)
}

/// The one instance of a class without fields (`Load`, `Add`...).
pub fn singleton(vm: &Vm, name: &str) -> Result {
    const KEY: &str = "_ast.singletons";
    let all = match vm.shared(KEY) {
        Some(all) => all,
        None => {
            let all = vm.new_dict();
            vm.share(KEY, all.clone());
            all
        }
    };
    let Some(all) = all.downcast::<Dict>() else { return Ok(Object::NONE) };
    if let Some(found) = all.get_text(vm, name) {
        return Ok(found);
    }
    let made = instance(vm, &class_of(vm, name).unwrap_or(Object::NONE))?;
    all.set_text(vm, name, made.clone());
    Ok(made)
}

fn fields_of(vm: &Vm, object: &Object, which: &str) -> Result<Vec<Object>> {
    match vm.lookup_attr_str(&object.ty().to_object(), which)? {
        Some(names) => vm.collect(&names),
        None => Ok(Vec::new()),
    }
}

fn position(vm: &Vm, names: &[Object], name: &Object) -> Result<Option<usize>> {
    for (i, known) in names.iter().enumerate() {
        if known.is(name.value()) || vm.equal(known, name)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let (class, full) = (object.ty().name().to_owned(), object.ty().full_name().to_owned());
    let (positional, values) = args.split_at(args.len() - kwnames.len());
    let fields = vm.collect(&vm.get_attr_str(&object.ty().to_object(), "_fields")?)?;
    let mut given = vec![false; fields.len()];
    if positional.len() > fields.len() {
        let s = if fields.len() == 1 { "" } else { "s" };
        return Err(vm.type_error(format!(
            "{class} constructor takes at most {} positional argument{s}",
            fields.len()
        )));
    }
    for (i, value) in positional.iter().enumerate() {
        vm.set_attr(object, &fields[i], value)?;
        given[i] = true;
    }
    let mut attributes = None;
    for (name, value) in kwnames.iter().zip(values) {
        match position(vm, &fields, name)? {
            Some(i) if given[i] => {
                let name = vm.repr_text(name)?;
                return Err(vm.type_error(format!("{class} got multiple values for argument {name}")));
            }
            Some(i) => given[i] = true,
            None => {
                if attributes.is_none() {
                    attributes = Some(fields_of(vm, object, "_attributes")?);
                }
                if position(vm, attributes.as_deref().unwrap_or(&[]), name)?.is_none() {
                    let text = format!(
                        "{full}.__init__ got an unexpected keyword argument {}. Support for arbitrary keyword arguments is deprecated and will be removed in Python 3.15.",
                        vm.repr_text(name)?
                    );
                    vm.warn(&exc::DEPRECATION_WARNING, &text, 1)?;
                }
            }
        }
        vm.set_attr(object, name, value)?;
    }
    if given.iter().all(|&g| g) {
        return Ok(());
    }
    let Some(types) = vm.lookup_attr_str(&object.ty().to_object(), "_field_types")? else { return Ok(()) };
    let context = class_of(vm, "expr_context");
    for (name, _) in fields.iter().zip(given).filter(|(_, given)| !given) {
        if !vm.contains(&types, name)? {
            let text = format!(
                "Field {} is missing from {class}._field_types. This will become an error in Python 3.15.",
                vm.repr_text(name)?
            );
            vm.warn(&exc::DEPRECATION_WARNING, &text, 1)?;
            continue;
        }
        let ty = vm.get_item(&types, name)?;
        if ty.ty().name() == "Union" {
            continue;
        } else if ty.ty().name() == "GenericAlias" {
            vm.set_attr(object, name, &vm.list(Vec::new()))?;
        } else if context.as_ref().is_some_and(|c| c.is(ty.value())) {
            vm.set_attr(object, name, &singleton(vm, "Load")?)?;
        } else {
            let text = format!(
                "{full}.__init__ missing 1 required positional argument: {}. This will become an error in Python 3.15.",
                vm.repr_text(name)?
            );
            vm.warn(&exc::DEPRECATION_WARNING, &text, 1)?;
        }
    }
    Ok(())
}

fn shown(vm: &Vm, object: &Object, depth: usize) -> Result<String> {
    let class = object.ty().name().to_owned();
    if depth == 0 {
        return Ok(format!("{class}(...)"));
    }
    let Some(_guard) = vm.enter_repr(object) else { return Ok(format!("{class}(...)")) };
    let mut parts = Vec::new();
    for name in fields_of(vm, object, "_fields")? {
        let value = vm.get_attr(object, &name)?;
        let items = match (value.downcast::<List>(), value.downcast::<Tuple>()) {
            (Some(list), _) => Some((list.to_vec(), "[]")),
            (_, Some(tuple)) => Some((tuple.items().to_vec(), "()")),
            _ => None,
        };
        let text = match items {
            None => shown_value(vm, &value, depth)?,
            Some((items, brackets)) => {
                let mut text = brackets[..1].to_owned();
                if let Some(first) = items.first() {
                    text.push_str(&shown_value(vm, first, depth)?);
                }
                if items.len() > 2 {
                    text.push_str(", ...");
                }
                if items.len() > 1 {
                    text.push_str(", ");
                    text.push_str(&shown_value(vm, &items[items.len() - 1], depth)?);
                }
                text + &brackets[1..]
            }
        };
        parts.push(format!("{}={text}", vm.str_lossy(&name)));
    }
    Ok(format!("{class}({})", parts.join(", ")))
}

fn shown_value(vm: &Vm, value: &Object, depth: usize) -> Result<String> {
    if value.downcast::<Node>().is_some() { shown(vm, value, depth - 1) } else { vm.repr_text(value) }
}

fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let class = object.ty().to_object();
    let dict = get_dict(vm, object)?;
    let mut positional = Vec::new();
    for name in fields_of(vm, object, "_fields")? {
        if !vm.contains(&dict, &name)? {
            break;
        }
        positional.push(Object::NONE);
    }
    Ok(vm.tuple(vec![class, vm.tuple(positional), dict]))
}

fn replace(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let Some(object) = args.first().filter(|o| o.downcast::<Node>().is_some()) else {
        return Err(vm.type_error("__replace__() needs an AST node"));
    };
    if args.len() > 1 + kwnames.len() {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    let class = object.ty().name().to_owned();
    let fields = fields_of(vm, object, "_fields")?;
    let attributes = fields_of(vm, object, "_attributes")?;
    for name in kwnames {
        if position(vm, &fields, name)?.is_none() && position(vm, &attributes, name)?.is_none() {
            let name = vm.repr_text(name)?;
            return Err(
                vm.type_error(format!("{class}.__replace__ got an unexpected keyword argument {name}."))
            );
        }
    }
    let all = vm.new_dict();
    let Some(merged) = all.downcast::<Dict>() else { return Ok(Object::NONE) };
    let own = get_dict(vm, object)?;
    for name in fields.iter().chain(&attributes) {
        if vm.contains(&own, name)? {
            merged.set(vm, name, vm.get_item(&own, name)?)?;
        }
    }
    for (name, value) in kwnames.iter().zip(&args[1..]) {
        merged.set(vm, name, value.clone())?;
    }
    let mut missing = Vec::new();
    for name in &fields {
        if !merged.contains(vm, name)? && vm.lookup_attr(object, name)?.is_none() {
            missing.push(vm.repr_text(name)?);
        }
    }
    if !missing.is_empty() {
        let s = if missing.len() == 1 { "" } else { "s" };
        return Err(vm.type_error(format!(
            "{class}.__replace__ missing {} keyword argument{s}: {}.",
            missing.len(),
            missing.join(", ")
        )));
    }
    let (names, values): (Vec<Object>, Vec<Object>) = merged.items().into_iter().unzip();
    vm.call_kw(&object.ty().to_object(), &values, &names)
}
