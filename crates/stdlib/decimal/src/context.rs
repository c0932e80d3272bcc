//! Contexts, the dicts of their signals, and which context is the current one.

use crate::number::{Env, MAX_EMAX, MAX_PREC, MIN_EMIN, Rounding, Status, flags};
use crate::signals::{self, SIGNALS};
use std::cell::Cell;
use std::rc::{Rc, Weak};
use taipan_runtime::modules::contextvars;
use taipan_runtime::prelude::*;
use taipan_runtime::shared::Place;
use taipan_runtime::support::{Fields, allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{int, tuple};

/// Payload of Context.
pub struct Context {
    pub env: Cell<Env>,
    pub capitals: Cell<bool>,
    pub traps: Rc<Cell<u32>>,
    pub flags: Rc<Cell<u32>>,
    /// The signal dicts, made when asked for.
    traps_dict: ObjectCell,
    flags_dict: ObjectCell,
}

impl NativeClass for Context {
    fn class() -> &'static Type {
        &CONTEXT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.traps_dict.traverse(visitor);
        self.flags_dict.traverse(visitor);
    }
    fn clear(&self) {
        self.traps_dict.set(Object::UNBOUND);
        self.flags_dict.set(Object::UNBOUND);
    }
}

pub static CONTEXT: Type = Type::new::<Context>(
    "decimal.Context",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| {
            let template = vm.shared(DEFAULT);
            let payload = match template.as_ref().and_then(|t| t.downcast::<Context>()) {
                Some(template) => {
                    let copy = Context::new(template.env.get(), template.traps.get());
                    copy.capitals.set(template.capitals.get());
                    copy
                }
                None => Context::new(DEFAULT_ENV, DEFAULT_TRAPS),
            };
            allocate(vm, class, payload)
        }),
        init: Some(|vm, context, args, kwnames| {
            let settings = SETTINGS.bind(vm, args, kwnames)?;
            apply(vm, this(context), &settings)
        }),
        setattr: Some(|vm, object, name, value| {
            if value.is_none() {
                return Err(vm.error(&exc::ATTRIBUTE_ERROR, "context attributes cannot be deleted"));
            }
            taipan_runtime::lookup::generic_setattr(vm, object, name, value)
        }),
        ..Slots::EMPTY.repr(repr)
    },
    &crate::context_methods::METHODS,
    &[
        GetSetDef::new("prec", |vm, c| Ok(vm.int(env(c).prec))).with_set(|vm, c, v| set_field(vm, c, v, 0)),
        GetSetDef::new("Emax", |vm, c| Ok(vm.int(env(c).emax))).with_set(|vm, c, v| set_field(vm, c, v, 3)),
        GetSetDef::new("Emin", |vm, c| Ok(vm.int(env(c).emin))).with_set(|vm, c, v| set_field(vm, c, v, 2)),
        GetSetDef::new("rounding", |vm, c| Ok(vm.intern(env(c).round.name()))).with_set(|vm, c, v| set_field(vm, c, v, 1)),
        GetSetDef::new("capitals", |vm, c| Ok(vm.int(this::<Context>(c).capitals.get() as i64))).with_set(|vm, c, v| set_field(vm, c, v, 4)),
        GetSetDef::new("clamp", |vm, c| Ok(vm.int(env(c).clamp as i64))).with_set(|vm, c, v| set_field(vm, c, v, 5)),
        GetSetDef::new("flags", |vm, c| { let c = this::<Context>(c); dict(vm, &c.flags_dict, &c.flags) }).with_set(|vm, c, v| set_field(vm, c, v, 6)),
        GetSetDef::new("traps", |vm, c| { let c = this::<Context>(c); dict(vm, &c.traps_dict, &c.traps) }).with_set(|vm, c, v| set_field(vm, c, v, 7)),
    ],
)
.with_doc("Context(prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)\n--\n\nThe context affects almost all operations and controls rounding,\nOver/Underflow, raising of exceptions and much more.  A new context\ncan be constructed as follows:\n\n    >>> c = Context(prec=28, Emin=-425000000, Emax=425000000,\n    ...             rounding=ROUND_HALF_EVEN, capitals=1, clamp=1,\n    ...             traps=[InvalidOperation, DivisionByZero, Overflow],\n    ...             flags=[])\n    >>>\n\n\n");

fn env(context: &Object) -> Env {
    this::<Context>(context).env.get()
}

/// Keys of the templates.
const DEFAULT: &str = "decimal.DefaultContext";
const BASIC: &str = "decimal.BasicContext";
const EXTENDED: &str = "decimal.ExtendedContext";
/// Where the context variable is.
static VARIABLE: Place = Place::new();

const DEFAULT_ENV: Env =
    Env { prec: 28, emax: 999_999, emin: -999_999, round: Rounding::HalfEven, clamp: false };
const DEFAULT_TRAPS: u32 = flags::ANY_INVALID | flags::DIVISION_BY_ZERO | flags::OVERFLOW;

impl Context {
    pub fn new(env: Env, traps: u32) -> Context {
        Context {
            env: Cell::new(env),
            capitals: Cell::new(true),
            traps: Rc::new(Cell::new(traps)),
            flags: Rc::new(Cell::new(0)),
            traps_dict: ObjectCell::EMPTY,
            flags_dict: ObjectCell::EMPTY,
        }
    }
    pub fn env(&self) -> Env {
        self.env.get()
    }
    /// Notes conditions; raises the first one that is trapped.
    #[inline]
    pub fn meet(&self, vm: &Vm, status: Status) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        self.flags.set(self.flags.get() | status & !flags::NO_MEMORY);
        if status & flags::NO_MEMORY != 0 {
            return Err(vm.memory_error());
        }
        let trapped = status & self.traps.get();
        if trapped != 0 { Err(signals::raise(vm, trapped)) } else { Ok(()) }
    }
}

/// A copy; the flags too, if wanted.
pub fn copy(vm: &Vm, context: &Context, with_flags: bool) -> Result {
    let copy = Context::new(context.env(), context.traps.get());
    copy.capitals.set(context.capitals.get());
    if with_flags {
        copy.flags.set(context.flags.get());
    }
    allocate(vm, &CONTEXT, copy)
}

// ---- settings -------------------------------------------------------------------------------

const NAMES: [&str; 8] = ["prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"];
static SETTINGS: Fields<8> = Fields { function: "", names: NAMES, required: 0, positional: 8 };

/// The setting of an argument of the constructor.
fn apply(vm: &Vm, context: &Context, settings: &[Option<&Object>]) -> Result<()> {
    for (i, value) in settings.iter().enumerate() {
        if let Some(value) = value.and_then(|v| v.some()) {
            set(vm, context, i, value, true)?;
        }
    }
    Ok(())
}

fn set_field(vm: &Vm, context: &Object, value: Option<&Object>, field: usize) -> Result<()> {
    match value {
        Some(value) => set(vm, this(context), field, value, false),
        None => Err(vm.error(&exc::ATTRIBUTE_ERROR, "context attributes cannot be deleted")),
    }
}

/// An int, but nothing that merely behaves like one.
pub fn ssize(vm: &Vm, value: &Object) -> Result<i64> {
    if !int::is_any_int(value) {
        return Err(vm.type_error("an integer is required"));
    }
    vm.to_i64_with(value, "Python int too large to convert to C ssize_t")
}

pub fn rounding(vm: &Vm, value: &Object) -> Result<Rounding> {
    if let Some(text) = value.downcast::<Str>() {
        for (name, rounding) in Rounding::ALL {
            if text.equals_text(name) {
                return Ok(rounding);
            }
        }
    }
    Err(vm.type_error("valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN,\n   ROUND_05UP]"))
}

fn set(vm: &Vm, context: &Context, field: usize, value: &Object, lists: bool) -> Result<()> {
    let mut env = context.env();
    let bounded = |least: i64, most: i64, message: &str| {
        let n = ssize(vm, value)?;
        if (least..=most).contains(&n) { Ok(n) } else { Err(vm.value_error(message)) }
    };
    match field {
        0 => env.prec = bounded(1, MAX_PREC, "valid range for prec is [1, MAX_PREC]")?,
        1 => env.round = rounding(vm, value)?,
        2 => env.emin = bounded(MIN_EMIN, 0, "valid range for Emin is [MIN_EMIN, 0]")?,
        3 => env.emax = bounded(0, MAX_EMAX, "valid range for Emax is [0, MAX_EMAX]")?,
        4 => {
            context.capitals.set(bounded(0, 1, "valid values for capitals are 0 or 1")? == 1);
            return Ok(());
        }
        5 => env.clamp = bounded(0, 1, "valid values for clamp are 0 or 1")? == 1,
        _ => {
            let bits = signal_bits(vm, value, lists)?;
            let cell = if field == 6 { &context.flags } else { &context.traps };
            cell.set(bits);
            return Ok(());
        }
    }
    context.env.set(env);
    Ok(())
}

/// The conditions of a list of signals, of a signal dict, or of a dict like it.
fn signal_bits(vm: &Vm, value: &Object, lists: bool) -> Result<u32> {
    if let Some(signals) = value.downcast::<SignalDict>() {
        return signals.bits(vm).map(|bits| bits.get());
    }
    let mut bits = 0;
    if lists && value.downcast::<List>().is_some() {
        for class in vm.collect(value)? {
            bits |= signals::of_class(vm, &class)?.conditions;
        }
        return Ok(bits);
    }
    let Some(dict) = value.downcast::<Dict>() else {
        return Err(vm.type_error("argument must be a signal dict"));
    };
    if dict.len() != SIGNALS.len() {
        return Err(vm.key_error(&vm.str("invalid signal dict")));
    }
    for signal in &SIGNALS {
        let Some(flag) = dict.get(vm, &signal.class(vm))? else {
            return Err(vm.key_error(&vm.str("invalid signal dict")));
        };
        if vm.is_true(&flag)? {
            bits |= signal.conditions;
        }
    }
    Ok(bits)
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let context = this::<Context>(object);
    let env = context.env();
    let names = |bits: u32| {
        // In the order of the conditions' bits.
        let mut met: Vec<_> = SIGNALS.iter().filter(|signal| bits & signal.conditions != 0).collect();
        met.sort_by_key(|signal| signal.conditions.trailing_zeros());
        let names: Vec<&str> = met.iter().map(|signal| signal.name).collect();
        format!("[{}]", names.join(", "))
    };
    Ok(vm.str(&format!(
        "Context(prec={}, rounding={}, Emin={}, Emax={}, capitals={}, clamp={}, flags={}, traps={})",
        env.prec,
        env.round.name(),
        env.emin,
        env.emax,
        context.capitals.get() as i32,
        env.clamp as i32,
        names(context.flags.get()),
        names(context.traps.get())
    )))
}

pub fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let context = this::<Context>(&args[0]);
    let env = context.env();
    let state = vec![
        vm.int(env.prec),
        vm.intern(env.round.name()),
        vm.int(env.emin),
        vm.int(env.emax),
        vm.int(context.capitals.get() as i64),
        vm.int(env.clamp as i64),
        signals::list(vm, context.flags.get(), false),
        signals::list(vm, context.traps.get(), false),
    ];
    Ok(tuple::pair(vm, args[0].ty().to_object(), vm.tuple(state)))
}

// ---- signal dicts -----------------------------------------------------------------------------

/// Payload of signal dicts: the flags or the traps of a context while it lives; none
/// for those that Python code makes.
pub struct SignalDict(Weak<Cell<u32>>);

impl NativeClass for SignalDict {
    fn class() -> &'static Type {
        &SIGNAL_DICT_MIXIN
    }
}

impl SignalDict {
    fn bits(&self, vm: &Vm) -> Result<Rc<Cell<u32>>> {
        match self.0.upgrade() {
            Some(bits) => Ok(bits),
            None => Err(vm.value_error("invalid signal dict")),
        }
    }
}

/// The other half of the class `SignalDict`, which is a MutableMapping, too.
pub static SIGNAL_DICT_MIXIN: Type = Type::new::<SignalDict>(
    "decimal.SignalDictMixin",
    &OBJECT,
    type_flags::BASE,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, SignalDict(Weak::new()))),
        init: Some(|_, _, _, _| Ok(())),
        hash: Some(taipan_runtime::slots::hash_unhashable),
        compare: Some(|vm, a, b, op| {
            if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
                return Ok(Object::NOT_IMPLEMENTED);
            }
            let Some(signals) = a.downcast::<SignalDict>() else { return Ok(Object::NOT_IMPLEMENTED) };
            let bits = signals.bits(vm)?.get();
            let other = match b.downcast::<SignalDict>() {
                Some(other) => other.bits(vm)?.get(),
                None if b.downcast::<Dict>().is_some() => match signal_bits(vm, b, false) {
                    Ok(bits) => bits,
                    Err(raised) if vm.raised_is(&exc::KEY_ERROR) => {
                        drop(vm.caught(raised));
                        return Ok(Object::bool(op == CompareOp::Ne));
                    }
                    Err(raised) => return Err(raised),
                },
                None => return Ok(Object::NOT_IMPLEMENTED),
            };
            // Conditions of one signal count as one.
            let met = |bits: u32| SIGNALS.each_ref().map(|signal| bits & signal.conditions != 0);
            Ok(Object::bool((met(bits) == met(other)) == (op == CompareOp::Eq)))
        }),
        len: Some(|vm, signals| this::<SignalDict>(signals).bits(vm).map(|_| SIGNALS.len())),
        getitem: Some(|vm, signals, key| {
            let bits = this::<SignalDict>(signals).bits(vm)?.get();
            Ok(Object::bool(bits & signals::of_class(vm, key)?.conditions != 0))
        }),
        setitem: Some(|vm, signals, key, value| {
            let signals = this::<SignalDict>(signals);
            signals.bits(vm)?;
            let Some(value) = value else { return Err(vm.value_error("signal keys cannot be deleted")) };
            let conditions = signals::of_class(vm, key)?.conditions;
            let on = vm.is_true(value)?;
            let cell = signals.bits(vm)?;
            cell.set(if on { cell.get() | conditions } else { cell.get() & !conditions });
            Ok(())
        }),
        ..Slots::EMPTY
            .repr(|vm, signals| {
                let bits = this::<SignalDict>(signals).bits(vm)?.get();
                let items: Vec<String> = SIGNALS
                    .iter()
                    .map(|s| {
                        let on = if bits & s.conditions != 0 { "True" } else { "False" };
                        format!("<class 'decimal.{}'>:{on}", s.name)
                    })
                    .collect();
                Ok(vm.str(&format!("{{{}}}", items.join(", "))))
            })
            .iter(|vm, signals| {
                this::<SignalDict>(signals).bits(vm)?;
                vm.iter(&vm.tuple(SIGNALS.iter().map(|signal| signal.class(vm)).collect()))
            })
    },
    &[MethodDef::new(
        "copy($self, /)",
        |vm, args| {
            let bits = this::<SignalDict>(&args[0]).bits(vm)?.get();
            let copy = vm.new_dict();
            for signal in &SIGNALS {
                vm.set_item(&copy, &signal.class(vm), &Object::bool(bits & signal.conditions != 0))?;
            }
            Ok(copy)
        },
        "",
    )],
    &[],
);

/// Key of the class SignalDict.
const SIGNAL_DICT: &str = "decimal.SignalDict";

fn dict(vm: &Vm, kept: &ObjectCell, bits: &Rc<Cell<u32>>) -> Result {
    if let Some(dict) = kept.bound() {
        return Ok(dict);
    }
    let class = vm.shared(SIGNAL_DICT).unwrap_or_else(|| SIGNAL_DICT_MIXIN.to_object());
    let Some(class) = Type::of(&class) else { return Err(vm.system_error("no class for signal dicts")) };
    let dict = allocate(vm, class, SignalDict(Rc::downgrade(bits)))?;
    kept.set(dict.clone());
    Ok(dict)
}

// ---- the current context ----------------------------------------------------------------------

/// The context of this thread, or task.
#[inline]
pub fn current(vm: &Vm) -> Result {
    let Some(variable) = vm.at_place(&VARIABLE) else { return Err(vm.system_error("no context variable")) };
    if let Some(context) = contextvars::get(vm, &variable, None)? {
        return Ok(context);
    }
    let template = vm.shared(DEFAULT);
    let context = match template.as_ref().and_then(|t| t.downcast::<Context>()) {
        Some(template) => copy(vm, template, false)?,
        None => allocate(vm, &CONTEXT, Context::new(DEFAULT_ENV, DEFAULT_TRAPS))?,
    };
    contextvars::set(vm, &variable, context.clone())?;
    Ok(context)
}

/// The context of an optional argument.
pub fn given_or_current(vm: &Vm, argument: Option<&Object>) -> Result {
    match argument.and_then(|a| a.some()) {
        None => current(vm),
        Some(context) if context.downcast::<Context>().is_some() => Ok(context.clone()),
        Some(_) => Err(vm.type_error("optional argument must be a context")),
    }
}

fn set_current(vm: &Vm, context: &Object) -> Result<()> {
    let Some(payload) = context.downcast::<Context>() else {
        return Err(vm.type_error("argument must be a context"));
    };
    // The templates stay as they are.
    let template =
        [DEFAULT, BASIC, EXTENDED].iter().any(|key| vm.shared(key).is_some_and(|t| t.is(context.value())));
    let context = if template { copy(vm, payload, false)? } else { context.clone() };
    let Some(variable) = vm.at_place(&VARIABLE) else { return Err(vm.system_error("no context variable")) };
    contextvars::set(vm, &variable, context).map(drop)
}

/// Payload of what `localcontext()` returns.
struct Manager {
    local: Object,
    global: Object,
}

impl NativeClass for Manager {
    fn class() -> &'static Type {
        &CONTEXT_MANAGER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.local);
        visitor.visit_object(&self.global);
    }
}

pub static CONTEXT_MANAGER: Type = Type::new::<Manager>(
    "decimal.ContextManager",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[
        MethodDef::new(
            "__enter__($self, /)",
            |vm, args| {
                let manager = this::<Manager>(&args[0]);
                set_current(vm, &manager.local)?;
                Ok(manager.local.clone())
            },
            "",
        ),
        MethodDef::new(
            "__exit__($self, /, *args)",
            |vm, args| {
                set_current(vm, &this::<Manager>(&args[0]).global)?;
                Ok(Object::FALSE)
            },
            "",
        ),
    ],
    &[],
);

fn localcontext(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static FIELDS: Fields<9> = Fields {
        function: "",
        names: ["ctx", "prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"],
        required: 0,
        positional: 9,
    };
    let arguments = FIELDS.bind(vm, args, kwnames)?;
    let global = current(vm)?;
    let context = given_or_current(vm, arguments[0])?;
    let local = copy(vm, this(&context), true)?;
    apply(vm, this(&local), &arguments[1..])?;
    allocate(vm, &CONTEXT_MANAGER, Manager { local, global })
}

fn ieee_context(vm: &Vm, args: &[Object]) -> Result {
    let bits = ssize(vm, &args[0])?;
    if bits <= 0 || bits > 512 || bits % 32 != 0 {
        return Err(vm.value_error("argument must be a multiple of 32, with a maximum of 512"));
    }
    let emax = 3 * (1i64 << (bits / 16 + 3));
    let env = Env { prec: 9 * (bits / 32) - 2, emax, emin: 1 - emax, round: Rounding::HalfEven, clamp: true };
    allocate(vm, &CONTEXT, Context::new(env, 0))
}

pub static FUNCTIONS: [MethodDef; 4] = [
    MethodDef::new("getcontext()", |vm, _| current(vm), "Get the current default context."),
    MethodDef::new(
        "setcontext(context, /)",
        |vm, args| set_current(vm, &args[0]).map(|_| Object::NONE),
        "Set a new default context.",
    ),
    MethodDef {
        hide_signature: false,
        ..MethodDef::raw(
            "localcontext(ctx=None, **kwargs)",
            localcontext,
            "Return a context manager that will set the default context to a copy of ctx\non entry to the with-statement and restore the previous default context when\nexiting the with-statement. If no context is supplied, a copy of the current\ndefault context is used.",
        )
    },
    MethodDef::new(
        "IEEEContext(bits, /)",
        ieee_context,
        "Return a context, initialized as one of the IEEE interchange formats.\n\nThe argument must be a multiple of 32 and less than IEEE_CONTEXT_MAX_BITS.",
    ),
];

/// Templates, the class of signal dicts, the context variable.
pub fn init(vm: &Vm, module: &Object) -> Result<()> {
    taipan_runtime::types::typ::ready(vm, &CONTEXT_MANAGER);
    taipan_runtime::types::typ::ready(vm, &SIGNAL_DICT_MIXIN);
    // A module that is loaded again has the same types.
    if vm.shared(SIGNAL_DICT).is_none() {
        let abc = vm.import_module("collections.abc")?;
        let mapping = vm.get_attr_str(&abc, "MutableMapping")?;
        let bases = vm.tuple(vec![SIGNAL_DICT_MIXIN.to_object(), mapping]);
        let metaclass = taipan_runtime::types::typ::TYPE.to_object();
        let class = vm.call(&metaclass, &[vm.str("SignalDict"), bases, vm.new_dict()])?;
        vm.share(SIGNAL_DICT, class);
        let contextvars = vm.import_module("contextvars")?;
        let variable = vm.call_method(&contextvars, "ContextVar", &[vm.str("decimal_context")])?;
        vm.put_in_place(&VARIABLE, variable);
    }
    let template = |key: &'static str, name: &str, env: Env, traps: u32| -> Result<()> {
        let context = match vm.shared(key) {
            Some(context) => context,
            None => allocate(vm, &CONTEXT, Context::new(env, traps))?,
        };
        vm.share(key, context.clone());
        vm.set_attr_str(module, name, &context)
    };
    let short = Env { prec: 9, ..DEFAULT_ENV };
    template(DEFAULT, "DefaultContext", DEFAULT_ENV, DEFAULT_TRAPS)?;
    let basic = DEFAULT_TRAPS | flags::UNDERFLOW | flags::CLAMPED;
    template(BASIC, "BasicContext", short.rounding(Rounding::HalfUp), basic)?;
    template(EXTENDED, "ExtendedContext", short, 0)?;
    for (name, _) in Rounding::ALL {
        vm.set_attr_str(module, name, &vm.intern(name))?;
    }
    Ok(())
}
