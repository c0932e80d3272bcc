//! string.templatelib: Template and Interpolation (PEP 750).

use crate::names::name;
use crate::prelude::*;
use std::cell::Cell;

/// Payload of interpolations.
pub struct Interpolation {
    value: Object,
    expression: Object,
    conversion: Object,
    format_spec: Object,
}

impl NativeClass for Interpolation {
    fn class() -> &'static Type {
        &INTERPOLATION
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for part in [&self.value, &self.expression, &self.conversion, &self.format_spec] {
            visitor.visit_object(part);
        }
    }
}

/// Payload of templates: `strings` has one item more than `interpolations`.
pub struct Template {
    strings: Object,
    interpolations: Object,
}

impl NativeClass for Template {
    fn class() -> &'static Type {
        &TEMPLATE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.strings);
        visitor.visit_object(&self.interpolations);
    }
}

pub fn new_interpolation(
    vm: &Vm,
    value: Object,
    expression: Object,
    conversion: Object,
    format_spec: Object,
) -> Result {
    Ok(vm.alloc(&INTERPOLATION, Interpolation { value, expression, conversion, format_spec }))
}

pub fn new_template(vm: &Vm, strings: Object, interpolations: Object) -> Result {
    Ok(vm.alloc(&TEMPLATE, Template { strings, interpolations }))
}

fn ip(object: &Object) -> &Interpolation {
    // SAFETY: used on interpolations only.
    unsafe { object.payload_unchecked() }
}
fn tp(object: &Object) -> &Template {
    // SAFETY: used on templates only.
    unsafe { object.payload_unchecked() }
}
fn items(object: &Object) -> Vec<Object> {
    object.downcast::<Tuple>().map_or(Vec::new(), |t| t.items().to_vec())
}

static SIG: Sig = Sig::new("Interpolation(value, expression='', conversion=None, format_spec='')");

pub static INTERPOLATION: Type = Type::new::<Interpolation>(
    "string.templatelib.Interpolation",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, args, kwnames| {
            let args = SIG.bind(vm, args, kwnames)?;
            for (i, what) in [(1, "expression"), (3, "format_spec")] {
                if args[i].downcast::<Str>().is_none() {
                    return Err(vm.type_error(format!(
                        "Interpolation() argument '{what}' must be str, not {}",
                        args[i].ty().name()
                    )));
                }
            }
            if !args[2].is_none() {
                let Some(s) = args[2].downcast::<Str>() else {
                    return Err(vm.type_error(format!(
                        "Interpolation() argument 'conversion' must be str, not {}",
                        args[2].ty().name()
                    )));
                };
                if !(s.equals_text("a") || s.equals_text("r") || s.equals_text("s")) {
                    return Err(vm.value_error(
                        "Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'",
                    ));
                }
            }
            let [value, expression, conversion, format_spec] =
                [args[0].clone(), args[1].clone(), args[2].clone(), args[3].clone()];
            Ok(vm.alloc(class, Interpolation { value, expression, conversion, format_spec }))
        }),
        ..Slots::EMPTY.repr(|vm, i| {
            let i = ip(i);
            Ok(vm.str(&format!(
                "Interpolation({}, {}, {}, {})",
                vm.repr_text(&i.value)?,
                vm.repr_text(&i.expression)?,
                vm.repr_text(&i.conversion)?,
                vm.repr_text(&i.format_spec)?
            )))
        })
    },
    &[
        MethodDef::new(
            "__reduce__($self, /)",
            |vm, args| {
                let i = ip(&args[0]);
                let parts =
                    vec![i.value.clone(), i.expression.clone(), i.conversion.clone(), i.format_spec.clone()];
                Ok(vm.tuple(vec![args[0].ty().to_object(), vm.tuple(parts)]))
            },
            "",
        ),
        MethodDef::new(
            "__class_getitem__($type, object, /)",
            crate::types::genericalias::class_getitem,
            "See PEP 585",
        )
        .class_method(),
    ],
    &[
        GetSetDef::new("value", |_, i| Ok(ip(i).value.clone())),
        GetSetDef::new("expression", |_, i| Ok(ip(i).expression.clone())),
        GetSetDef::new("conversion", |_, i| Ok(ip(i).conversion.clone())),
        GetSetDef::new("format_spec", |_, i| Ok(ip(i).format_spec.clone())),
    ],
);

/// `Template(*args)`: adjacent strings join, adjacent interpolations get "" between.
fn template_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("Template.__new__ only accepts *args arguments"));
    }
    let mut strings: Vec<Object> = Vec::new();
    let mut interpolations: Vec<Object> = Vec::new();
    let mut last_is_string = false;
    for arg in args {
        if arg.downcast::<Str>().is_some() {
            if last_is_string {
                let before = strings.pop().unwrap_or_else(|| name::empty.object().clone());
                strings.push(vm.binary(BinaryOp::Add, &before, arg)?);
            } else {
                strings.push(arg.clone());
            }
            last_is_string = true;
        } else if arg.ty().is(&INTERPOLATION) {
            if !last_is_string {
                strings.push(name::empty.object().clone());
            }
            interpolations.push(arg.clone());
            last_is_string = false;
        } else {
            return Err(vm.type_error(format!(
                "Template.__new__ *args need to be of type 'str' or 'Interpolation', got {}",
                arg.ty().name()
            )));
        }
    }
    if !last_is_string {
        strings.push(name::empty.object().clone());
    }
    let (strings, interpolations) = (vm.tuple(strings), vm.tuple(interpolations));
    Ok(vm.alloc(class, Template { strings, interpolations }))
}

pub static TEMPLATE: Type = Type::new::<Template>(
    "string.templatelib.Template",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        new: Some(template_new),
        concat: Some(|vm, a, b| {
            if !b.ty().is(&TEMPLATE) || !a.ty().is(&TEMPLATE) {
                return Err(vm.type_error(format!(
                    "can only concatenate string.templatelib.Template (not \"{}\") to string.templatelib.Template",
                    b.ty().full_name()
                )));
            }
            let mut strings = items(&tp(a).strings);
            let mut right = items(&tp(b).strings).into_iter();
            if let (Some(last), Some(first)) = (strings.pop(), right.next()) {
                strings.push(vm.binary(BinaryOp::Add, &last, &first)?);
            }
            strings.extend(right);
            let mut interpolations = items(&tp(a).interpolations);
            interpolations.extend(items(&tp(b).interpolations));
            new_template(vm, vm.tuple(strings), vm.tuple(interpolations))
        }),
        ..Slots::EMPTY
            .repr(|vm, t| {
                let t = tp(t);
                Ok(vm.str(&format!(
                    "Template(strings={}, interpolations={})",
                    vm.repr_text(&t.strings)?,
                    vm.repr_text(&t.interpolations)?
                )))
            })
            .iter(|vm, t| {
                Ok(vm.alloc(
                    &TEMPLATE_ITERATOR,
                    TemplateIterator { template: t.clone(), position: Cell::new(0) },
                ))
            })
    },
    &[
        MethodDef::new(
            "__reduce__($self, /)",
            |vm, args| {
                let module = vm.import_module("string.templatelib")?;
                let unpickle = vm.get_attr_str(&module, "_template_unpickle")?;
                let t = tp(&args[0]);
                Ok(vm.tuple(vec![unpickle, vm.tuple(vec![t.strings.clone(), t.interpolations.clone()])]))
            },
            "",
        ),
        MethodDef::new(
            "__class_getitem__($type, object, /)",
            crate::types::genericalias::class_getitem,
            "See PEP 585",
        )
        .class_method(),
    ],
    &[
        GetSetDef::new("strings", |_, t| Ok(tp(t).strings.clone())),
        GetSetDef::new("interpolations", |_, t| Ok(tp(t).interpolations.clone())),
        GetSetDef::new("values", |vm, t| {
            Ok(vm.tuple(items(&tp(t).interpolations).iter().map(|i| ip(i).value.clone()).collect()))
        }),
    ],
);

/// Iterates strings (not empty ones) and interpolations in turn.
pub struct TemplateIterator {
    template: Object,
    position: Cell<usize>,
}

impl NativeClass for TemplateIterator {
    fn class() -> &'static Type {
        &TEMPLATE_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.template);
    }
}

pub static TEMPLATE_ITERATOR: Type = Type::new::<TemplateIterator>(
    "string.templatelib.TemplateIter",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        next: Some(|_, it| {
            // SAFETY: used on TemplateIter only.
            let this: &TemplateIterator = unsafe { it.payload_unchecked() };
            loop {
                let position = this.position.get();
                let template = tp(&this.template);
                let list = if position % 2 == 0 { &template.strings } else { &template.interpolations };
                let Some(item) = items(list).get(position / 2).cloned() else { return Ok(None) };
                this.position.set(position + 1);
                if position % 2 == 1 || !Str::is_empty_object(&item) {
                    return Ok(Some(item));
                }
            }
        }),
        ..Slots::EMPTY.iter(|_, it| Ok(it.clone()))
    },
    &[],
    &[],
);
