//! [`Object`]: the owning handle. Cloning counts up, dropping counts down and
//! destroys at zero, at once. Native code uses it everywhere; only the
//! interpreter loop works on raw [`Value`]s.

use crate::header::Header;
use crate::heap;
use crate::value::Value;
use std::mem::ManuallyDrop;
use std::ops::Deref;

/// An owned reference to a Python value.
#[repr(transparent)]
pub struct Object(Value);

impl Object {
    /// Takes over a reference that the caller owns.
    ///
    /// # Safety
    /// The caller owns one count of `value` and gives it up.
    #[inline(always)]
    pub unsafe fn from_owned(value: Value) -> Object {
        Object(value)
    }
    /// A new reference to a value that somebody else keeps alive right now.
    ///
    /// # Safety
    /// `value` is alive.
    #[inline(always)]
    pub unsafe fn from_borrowed(value: Value) -> Object {
        if value.is_ptr() {
            // SAFETY: alive, says the caller.
            unsafe { (*value.as_ptr()).incref() }
        }
        Object(value)
    }
    /// A value that is no pointer needs no count.
    #[inline(always)]
    pub fn immediate(value: Value) -> Object {
        debug_assert!(!value.is_ptr());
        Object(value)
    }
    pub const NONE: Object = Object(Value::NONE);
    pub const TRUE: Object = Object(Value::TRUE);
    pub const FALSE: Object = Object(Value::FALSE);
    pub const UNBOUND: Object = Object(Value::UNBOUND);
    pub const NOT_IMPLEMENTED: Object = Object(Value::NOT_IMPLEMENTED);
    pub const ELLIPSIS: Object = Object(Value::ELLIPSIS);

    #[inline(always)]
    pub fn bool(b: bool) -> Object {
        Object(Value::from_bool(b))
    }
    /// The raw word, still owned by `self`.
    #[inline(always)]
    pub fn value(&self) -> Value {
        self.0
    }
    /// The raw word with its count, now the caller's.
    #[inline(always)]
    pub fn into_value(self) -> Value {
        ManuallyDrop::new(self).0
    }
    /// Looks at a raw word as a handle, without counting.
    #[inline(always)]
    pub fn borrow_value(value: &Value) -> &Object {
        // SAFETY: Object is a transparent wrapper; the borrow counts nothing.
        unsafe { &*(value as *const Value as *const Object) }
    }
    /// As [`Object::borrow_value`] for a slice of registers.
    #[inline(always)]
    pub fn borrow_slice(values: &[Value]) -> &[Object] {
        // SAFETY: as above.
        unsafe { &*(values as *const [Value] as *const [Object]) }
    }
    /// The heap header, if the value lies on the heap.
    #[inline(always)]
    pub fn header(&self) -> Option<&Header> {
        // SAFETY: self keeps the object alive.
        if self.0.is_ptr() { Some(unsafe { &*self.0.as_ptr() }) } else { None }
    }
    /// Some(self) unless UNBOUND: the optional argument.
    #[inline(always)]
    pub fn bound(&self) -> Option<&Object> {
        if self.0.is_unbound() { None } else { Some(self) }
    }
    /// Some(self) unless None or UNBOUND.
    #[inline(always)]
    pub fn some(&self) -> Option<&Object> {
        if self.0.is_unbound() || self.0.is_none() { None } else { Some(self) }
    }
}

impl Deref for Object {
    type Target = Value;
    #[inline(always)]
    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Clone for Object {
    #[inline(always)]
    fn clone(&self) -> Object {
        // SAFETY: self keeps it alive.
        unsafe { Object::from_borrowed(self.0) }
    }
}

impl Drop for Object {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the handle owned one count.
        unsafe { decref(self.0) }
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Counts up a value that is alive.
///
/// # Safety
/// `value` is alive.
#[inline(always)]
pub unsafe fn incref(value: Value) {
    if value.is_ptr() {
        // SAFETY: alive, says the caller.
        unsafe { (*value.as_ptr()).incref() }
    }
}

/// Gives up one count; destroys the object if it was the last.
///
/// # Safety
/// The caller owns one count of `value`.
#[inline(always)]
pub unsafe fn decref(value: Value) {
    if value.is_ptr() {
        let ptr = value.as_ptr();
        // SAFETY: the caller's count keeps it alive until here.
        unsafe {
            if (*ptr).decref() {
                heap::destroy(ptr)
            }
        }
    }
}
