//! `_operator`: the operators as functions, and the getters and callers of
//! `operator`: itemgetter, attrgetter, methodcaller.

use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_arity, compare_digest, qualified_name, this};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::{self, Builder};
use taipan_runtime::types::tuple;

macro_rules! unary {
    ($sig:literal, $op:expr, $doc:literal) => {
        MethodDef::new($sig, |vm, args| vm.unary($op, &args[0]), $doc)
    };
}
macro_rules! binary {
    ($sig:literal, $op:ident, $doc:literal) => {
        MethodDef::new($sig, |vm, args| vm.binary(BinaryOp::$op, &args[0], &args[1]), $doc)
    };
}
macro_rules! inplace {
    ($sig:literal, $op:ident, $doc:literal) => {
        MethodDef::new($sig, |vm, args| vm.inplace(BinaryOp::$op, &args[0], &args[1]), $doc)
    };
}
macro_rules! compare {
    ($sig:literal, $op:ident, $doc:literal) => {
        MethodDef::new($sig, |vm, args| vm.compare(&args[0], &args[1], CompareOp::$op), $doc)
    };
}

/// The module.
pub static OPERATOR: ModuleDef = ModuleDef {
    name: "_operator",
    doc: "Operator interface.\n\nThe intrinsic operators of Python as functions: operator.add(x, y) is x+y.\nThe names are those of the special methods, without the underscores.",
    functions: &[
        MethodDef::new(
            "truth(a, /)",
            |vm, args| Ok(Object::bool(vm.is_true(&args[0])?)),
            "Return True if a is true, False otherwise.",
        ),
        MethodDef::new(
            "contains(a, b, /)",
            |vm, args| Ok(Object::bool(vm.contains(&args[0], &args[1])?)),
            "Same as b in a (note reversed operands).",
        ),
        MethodDef::new("indexOf(a, b, /)", index_of, "Return the first index of b in a."),
        MethodDef::new(
            "countOf(a, b, /)",
            count_of,
            "Return the number of items in a which are, or which equal, b.",
        ),
        MethodDef::new(
            "is_(a, b, /)",
            |_, args| Ok(Object::bool(args[0].is(args[1].value()))),
            "Same as a is b.",
        ),
        MethodDef::new(
            "is_not(a, b, /)",
            |_, args| Ok(Object::bool(!args[0].is(args[1].value()))),
            "Same as a is not b.",
        ),
        MethodDef::new("is_none(a, /)", |_, args| Ok(Object::bool(args[0].is_none())), "Same as a is None."),
        MethodDef::new(
            "is_not_none(a, /)",
            |_, args| Ok(Object::bool(!args[0].is_none())),
            "Same as a is not None.",
        ),
        MethodDef::new("not_(a, /)", |vm, args| Ok(Object::bool(!vm.is_true(&args[0])?)), "Same as not a."),
        MethodDef::new("index(a, /)", |vm, args| vm.index(&args[0]), "Same as a.__index__()"),
        MethodDef::new("getitem(a, b, /)", |vm, args| vm.get_item(&args[0], &args[1]), "Same as a[b]."),
        MethodDef::new(
            "setitem(a, b, c, /)",
            |vm, args| vm.set_item(&args[0], &args[1], &args[2]).map(|_| Object::NONE),
            "Same as a[b] = c.",
        ),
        MethodDef::new(
            "delitem(a, b, /)",
            |vm, args| vm.delete_item(&args[0], &args[1]).map(|_| Object::NONE),
            "Same as del a[b].",
        ),
        MethodDef::new(
            "concat(a, b, /)",
            |vm, args| concat(vm, args, false),
            "Same as a + b, for a and b sequences.",
        ),
        MethodDef::new(
            "iconcat(a, b, /)",
            |vm, args| concat(vm, args, true),
            "Same as a += b, for a and b sequences.",
        ),
        MethodDef::new(
            "length_hint(obj, default=0, /)",
            length_hint,
            "Return an estimate of the number of items in obj.\n\nThis is useful for presizing containers when building from an iterable.\n\nIf the object supports len(), the result will be exact.\nOtherwise, it may over- or under-estimate by an arbitrary amount.\nThe result will be an integer >= 0.",
        ),
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw("call(obj, /, *args, **kwargs)", call, "Same as obj(*args, **kwargs).")
        },
        MethodDef::new(
            "_compare_digest(a, b, /)",
            compare_digest,
            "Return 'a == b'.\n\nThis function uses an approach designed to prevent\ntiming analysis, making it appropriate for cryptography.",
        ),
        unary!("neg(a, /)", UnaryOp::Neg, "Same as -a."),
        unary!("pos(a, /)", UnaryOp::Pos, "Same as +a."),
        unary!("abs(a, /)", UnaryOp::Abs, "Same as abs(a)."),
        unary!("inv(a, /)", UnaryOp::Invert, "Same as ~a."),
        unary!("invert(a, /)", UnaryOp::Invert, "Same as ~a."),
        binary!("add(a, b, /)", Add, "Same as a + b."),
        binary!("sub(a, b, /)", Sub, "Same as a - b."),
        binary!("mul(a, b, /)", Mul, "Same as a * b."),
        binary!("matmul(a, b, /)", MatMul, "Same as a @ b."),
        binary!("floordiv(a, b, /)", FloorDiv, "Same as a // b."),
        binary!("truediv(a, b, /)", TrueDiv, "Same as a / b."),
        binary!("mod(a, b, /)", Mod, "Same as a % b."),
        binary!("pow(a, b, /)", Pow, "Same as a ** b."),
        binary!("lshift(a, b, /)", LShift, "Same as a << b."),
        binary!("rshift(a, b, /)", RShift, "Same as a >> b."),
        binary!("and_(a, b, /)", And, "Same as a & b."),
        binary!("xor(a, b, /)", Xor, "Same as a ^ b."),
        binary!("or_(a, b, /)", Or, "Same as a | b."),
        inplace!("iadd(a, b, /)", Add, "Same as a += b."),
        inplace!("isub(a, b, /)", Sub, "Same as a -= b."),
        inplace!("imul(a, b, /)", Mul, "Same as a *= b."),
        inplace!("imatmul(a, b, /)", MatMul, "Same as a @= b."),
        inplace!("ifloordiv(a, b, /)", FloorDiv, "Same as a //= b."),
        inplace!("itruediv(a, b, /)", TrueDiv, "Same as a /= b."),
        inplace!("imod(a, b, /)", Mod, "Same as a %= b."),
        inplace!("ipow(a, b, /)", Pow, "Same as a **= b."),
        inplace!("ilshift(a, b, /)", LShift, "Same as a <<= b."),
        inplace!("irshift(a, b, /)", RShift, "Same as a >>= b."),
        inplace!("iand(a, b, /)", And, "Same as a &= b."),
        inplace!("ixor(a, b, /)", Xor, "Same as a ^= b."),
        inplace!("ior(a, b, /)", Or, "Same as a |= b."),
        compare!("lt(a, b, /)", Lt, "Same as a < b."),
        compare!("le(a, b, /)", Le, "Same as a <= b."),
        compare!("eq(a, b, /)", Eq, "Same as a == b."),
        compare!("ne(a, b, /)", Ne, "Same as a != b."),
        compare!("gt(a, b, /)", Gt, "Same as a > b."),
        compare!("ge(a, b, /)", Ge, "Same as a >= b."),
    ],
    types: &[&ITEMGETTER, &ATTRGETTER, &METHODCALLER],
    init: None,
};

// ---- functions ------------------------------------------------------------------------

fn concat(vm: &Vm, args: &[Object], inplace: bool) -> Result {
    let (a, b) = (&args[0], &args[1]);
    let slots = a.ty().slots();
    if inplace && let Some(f) = slots.inplace_concat {
        return f(vm, a, b);
    }
    if let Some(f) = slots.concat {
        return f(vm, a, b);
    }
    if vm.is_sequence(a) && vm.is_sequence(b) {
        let result = if inplace { vm.inplace(BinaryOp::Add, a, b) } else { vm.binary(BinaryOp::Add, a, b) };
        match result {
            Err(_) if vm.raised_is(&exc::TYPE_ERROR) && slots.binary[BinaryOp::Add as usize].is_none() => {
                drop(vm.take_raised());
            }
            other => return other,
        }
    }
    Err(vm.type_error_of(a, "can't be concatenated"))
}

/// An iterator for a search, in the words of the sequence protocol.
fn search_iterator(vm: &Vm, sequence: &Object) -> Result {
    match vm.iter(sequence) {
        Err(_) if vm.raised_is(&exc::TYPE_ERROR) => {
            drop(vm.take_raised());
            Err(vm.type_error(format!("argument of type '{}' is not iterable", sequence.ty().name())))
        }
        other => other,
    }
}

fn index_of(vm: &Vm, args: &[Object]) -> Result {
    let iterator = search_iterator(vm, &args[0])?;
    let mut i = 0i64;
    while let Some(item) = vm.next(&iterator)? {
        if vm.equal(&item, &args[1])? {
            return Ok(vm.int(i));
        }
        i += 1;
    }
    Err(vm.value_error("sequence.index(x): x not in sequence"))
}

fn count_of(vm: &Vm, args: &[Object]) -> Result {
    let iterator = search_iterator(vm, &args[0])?;
    let mut n = 0i64;
    while let Some(item) = vm.next(&iterator)? {
        n += vm.equal(&item, &args[1])? as i64;
    }
    Ok(vm.int(n))
}

fn length_hint(vm: &Vm, args: &[Object]) -> Result {
    let default = vm.index_isize(&args[1])?;
    // A negative default cannot be told to the runtime: ask for 0 and see.
    if default >= 0 {
        return Ok(vm.usize(vm.length_hint(&args[0], default as usize)?));
    }
    let n = vm.length_hint(&args[0], usize::MAX)?;
    Ok(if n == usize::MAX { args[1].clone() } else { vm.usize(n) })
}

fn call(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if args.len() == kwnames.len() {
        return Err(vm.type_error("call expected at least 1 argument, got 0"));
    }
    vm.call_kw(&args[0], &args[1..], kwnames)
}

// ---- itemgetter -----------------------------------------------------------------------

/// Payload of itemgetter.
pub struct ItemGetter {
    items: Object,
    /// The only item, if there is one.
    only: Option<Object>,
}

impl NativeClass for ItemGetter {
    fn class() -> &'static Type {
        &ITEMGETTER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.items);
        if let Some(only) = &self.only {
            visitor.visit_object(only);
        }
    }
}

/// The three kinds of getter are called with one object.
const TEXT_SIGNATURE: GetSetDef = GetSetDef::new("__text_signature__", |vm, _| Ok(vm.intern("(obj, /)")));

pub static ITEMGETTER: Type = Type::new::<ItemGetter>(
    "operator.itemgetter",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { new: Some(itemgetter_new), call: Some(itemgetter_call), ..Slots::EMPTY.repr(itemgetter_repr) },
    &[MethodDef::new(
        "__reduce__($self, /)",
        |vm, args| {
            let items = this::<ItemGetter>(&args[0]).items.clone();
            Ok(tuple::from_array(vm, [args[0].ty().to_object(), items]))
        },
        "Return state information for pickling",
    )],
    &[TEXT_SIGNATURE],
)
.with_doc("itemgetter(item, /, *items)\n--\n\nReturn a callable object that fetches the given item(s) from its operand.\nAfter f = itemgetter(2), the call f(r) returns r[2].\nAfter g = itemgetter(2, 5, 3), the call g(r) returns (r[2], r[5], r[3])");

fn no_keywords_given(vm: &Vm, name: &str, kwnames: &[Object]) -> Result<()> {
    if kwnames.is_empty() {
        Ok(())
    } else {
        Err(vm.type_error(format!("{name}() takes no keyword arguments")))
    }
}

fn one_argument(vm: &Vm, name: &str, args: &[Object], kwnames: &[Object]) -> Result<()> {
    no_keywords_given(vm, name, kwnames)?;
    check_arity(vm, name, args.len(), 1, 1)
}

fn itemgetter_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    no_keywords_given(vm, "itemgetter", kwnames)?;
    if args.is_empty() {
        return check_arity(vm, "itemgetter", 0, 1, 1).map(|_| Object::NONE);
    }
    let only = if args.len() == 1 { Some(args[0].clone()) } else { None };
    allocate(vm, class, ItemGetter { items: tuple::from_slice(vm, args), only })
}

fn itemgetter_call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    one_argument(vm, "itemgetter", args, kwnames)?;
    let this = this::<ItemGetter>(object);
    let source = &args[0];
    if let Some(only) = &this.only {
        if only.is_int() && only.as_int() >= 0 {
            let i = only.as_int() as usize;
            if let Some(tuple) = source.downcast_exact::<Tuple>()
                && let Some(item) = tuple.items().get(i)
            {
                return Ok(item.clone());
            }
            if let Some(list) = source.downcast_exact::<List>()
                && let Some(item) = list.get(i)
            {
                return Ok(item);
            }
        }
        return vm.get_item(source, only);
    }
    let items = this.items.downcast::<Tuple>().map_or(&[][..], |t| t.items());
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        out.push(vm.get_item(source, item)?);
    }
    Ok(vm.tuple(out))
}

fn push_args(vm: &Vm, out: &mut Builder, items: &[Object]) -> Result<()> {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_object(&vm.repr(item)?);
    }
    Ok(())
}

fn itemgetter_repr(vm: &Vm, object: &Object) -> Result {
    let name = qualified_name(vm, object.ty())?;
    let Some(_guard) = vm.enter_repr(object) else { return Ok(vm.str(&format!("{name}(...)"))) };
    let mut out = Builder::new();
    out.push_str(&name);
    out.push_str("(");
    push_args(vm, &mut out, this::<ItemGetter>(object).items.downcast::<Tuple>().map_or(&[], |t| t.items()))?;
    out.push_str(")");
    Ok(out.finish(vm))
}

// ---- attrgetter -----------------------------------------------------------------------

/// Payload of attrgetter: each name as the path of its parts.
pub struct AttrGetter {
    names: Vec<Object>,
    paths: Vec<Vec<Object>>,
}

impl NativeClass for AttrGetter {
    fn class() -> &'static Type {
        &ATTRGETTER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.names.iter().for_each(|name| visitor.visit_object(name));
    }
}

pub static ATTRGETTER: Type = Type::new::<AttrGetter>(
    "operator.attrgetter",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { new: Some(attrgetter_new), call: Some(attrgetter_call), ..Slots::EMPTY.repr(attrgetter_repr) },
    &[MethodDef::new(
        "__reduce__($self, /)",
        |vm, args| {
            let names = tuple::from_slice(vm, &this::<AttrGetter>(&args[0]).names);
            Ok(tuple::from_array(vm, [args[0].ty().to_object(), names]))
        },
        "Return state information for pickling",
    )],
    &[TEXT_SIGNATURE],
)
.with_doc("attrgetter(attr, /, *attrs)\n--\n\nReturn a callable object that fetches the given attribute(s) from its operand.\nAfter f = attrgetter('name'), the call f(r) returns r.name.\nAfter g = attrgetter('name', 'date'), the call g(r) returns (r.name, r.date).\nAfter h = attrgetter('name.first', 'name.last'), the call h(r) returns\n(r.name.first, r.name.last).");

fn attrgetter_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    no_keywords_given(vm, "attrgetter", kwnames)?;
    if args.is_empty() {
        return check_arity(vm, "attrgetter", 0, 1, 1).map(|_| Object::NONE);
    }
    let mut paths = Vec::with_capacity(args.len());
    for name in args {
        let Some(s) = name.downcast::<Str>() else {
            return Err(vm.type_error("attribute name must be a string"));
        };
        let chars = s.to_code_points();
        let parts = chars.split(|&c| c == '.' as u32);
        paths.push(parts.map(|part| vm.intern_object(&str::from_code_points(vm, part))).collect());
    }
    let names = args.iter().map(|name| vm.intern_object(name)).collect();
    allocate(vm, class, AttrGetter { names, paths })
}

fn follow(vm: &Vm, object: &Object, path: &[Object]) -> Result {
    let Some((first, rest)) = path.split_first() else { return Ok(object.clone()) };
    let mut found = vm.get_attr(object, first)?;
    for name in rest {
        found = vm.get_attr(&found, name)?;
    }
    Ok(found)
}

fn attrgetter_call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    one_argument(vm, "attrgetter", args, kwnames)?;
    let this = this::<AttrGetter>(object);
    if let [path] = &this.paths[..] {
        return follow(vm, &args[0], path);
    }
    let mut out = Vec::with_capacity(this.paths.len());
    for path in &this.paths {
        out.push(follow(vm, &args[0], path)?);
    }
    Ok(vm.tuple(out))
}

fn attrgetter_repr(vm: &Vm, object: &Object) -> Result {
    let name = qualified_name(vm, object.ty())?;
    let Some(_guard) = vm.enter_repr(object) else { return Ok(vm.str(&format!("{name}(...)"))) };
    let mut out = Builder::new();
    out.push_str(&name);
    out.push_str("(");
    push_args(vm, &mut out, &this::<AttrGetter>(object).names)?;
    out.push_str(")");
    Ok(out.finish(vm))
}

// ---- methodcaller ---------------------------------------------------------------------

/// Payload of methodcaller.
pub struct MethodCaller {
    name: Object,
    /// Positional arguments, then the values of `kwnames`.
    args: Vec<Object>,
    kwnames: Vec<Object>,
}

impl NativeClass for MethodCaller {
    fn class() -> &'static Type {
        &METHODCALLER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.args.iter().for_each(|arg| visitor.visit_object(arg));
    }
}

pub static METHODCALLER: Type = Type::new::<MethodCaller>(
    "operator.methodcaller",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { new: Some(methodcaller_new), call: Some(methodcaller_call), ..Slots::EMPTY.repr(methodcaller_repr) },
    &[MethodDef::new("__reduce__($self, /)", methodcaller_reduce, "Return state information for pickling")],
    &[TEXT_SIGNATURE],
)
.with_doc("methodcaller(name, /, *args, **kwargs)\n--\n\nReturn a callable object that calls the given method on its operand.\nAfter f = methodcaller('name'), the call f(r) returns r.name().\nAfter g = methodcaller('name', 'date', foo=1), the call g(r) returns\nr.name('date', foo=1).");

fn methodcaller_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if args.len() == kwnames.len() {
        return Err(vm.type_error("methodcaller needs at least one argument, the method name"));
    }
    if args[0].downcast::<Str>().is_none() {
        return Err(vm.type_error("method name must be a string"));
    }
    let payload = MethodCaller {
        name: vm.intern_object(&args[0]),
        args: args[1..].to_vec(),
        kwnames: kwnames.to_vec(),
    };
    allocate(vm, class, payload)
}

fn methodcaller_call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    one_argument(vm, "methodcaller", args, kwnames)?;
    let this = this::<MethodCaller>(object);
    if this.kwnames.is_empty() {
        return vm.call_method_object(&args[0], &this.name, &this.args);
    }
    let method = vm.get_attr(&args[0], &this.name)?;
    vm.call_kw(&method, &this.args, &this.kwnames)
}

fn methodcaller_repr(vm: &Vm, object: &Object) -> Result {
    let name = qualified_name(vm, object.ty())?;
    let Some(_guard) = vm.enter_repr(object) else { return Ok(vm.str(&format!("{name}(...)"))) };
    let this = this::<MethodCaller>(object);
    let mut out = Builder::new();
    out.push_str(&name);
    out.push_str("(");
    out.push_object(&vm.repr(&this.name)?);
    let (positional, values) = this.args.split_at(this.args.len() - this.kwnames.len());
    for item in positional {
        out.push_str(", ");
        out.push_object(&vm.repr(item)?);
    }
    for (name, value) in this.kwnames.iter().zip(values) {
        out.push_str(", ");
        out.push_object(name);
        out.push_str("=");
        out.push_object(&vm.repr(value)?);
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

fn methodcaller_reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<MethodCaller>(&args[0]);
    let class = args[0].ty().to_object();
    let (positional, values) = this.args.split_at(this.args.len() - this.kwnames.len());
    if this.kwnames.is_empty() {
        let mut all = vec![this.name.clone()];
        all.extend_from_slice(positional);
        return Ok(tuple::from_array(vm, [class, vm.tuple(all)]));
    }
    let partial = crate::functools::PARTIAL.to_object();
    let mut all = vec![class, this.name.clone()];
    all.extend_from_slice(values);
    let constructor = vm.call_kw(&partial, &all, &this.kwnames)?;
    Ok(tuple::from_array(vm, [constructor, tuple::from_slice(vm, positional)]))
}
