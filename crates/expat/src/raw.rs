//! The part of libexpat's C interface that is used here. Without the library
//! every function is a stand-in that fails.

use std::ffi::{c_char, c_float, c_int, c_long, c_uchar, c_uint, c_ulong, c_ulonglong, c_void};

/// `XML_Parser`. Its first field is the user data.
pub type Raw = *mut *mut c_void;
pub type Text = *const c_char;

#[repr(C)]
pub struct Version {
    pub major: c_int,
    pub minor: c_int,
    pub micro: c_int,
}

#[repr(C)]
pub struct Feature {
    pub feature: c_int,
    pub name: Text,
    pub value: c_long,
}

#[repr(C)]
pub struct Content {
    pub kind: c_uint,
    pub quantity: c_uint,
    pub name: *mut c_char,
    pub count: c_uint,
    pub children: *mut Content,
}

#[repr(C)]
pub struct EncodingInfo {
    pub map: [c_int; 256],
    pub data: *mut c_void,
    pub convert: Option<unsafe extern "C" fn(*mut c_void, Text) -> c_int>,
    pub release: Option<unsafe extern "C" fn(*mut c_void)>,
}

pub type StartElement = unsafe extern "C" fn(*mut c_void, Text, *mut Text);
pub type OneText = unsafe extern "C" fn(*mut c_void, Text);
pub type TwoTexts = unsafe extern "C" fn(*mut c_void, Text, Text);
pub type Bytes = unsafe extern "C" fn(*mut c_void, Text, c_int);
pub type Bare = unsafe extern "C" fn(*mut c_void);
pub type UnparsedEntity = unsafe extern "C" fn(*mut c_void, Text, Text, Text, Text, Text);
pub type Notation = unsafe extern "C" fn(*mut c_void, Text, Text, Text, Text);
pub type NotStandalone = unsafe extern "C" fn(*mut c_void) -> c_int;
pub type ExternalEntity = unsafe extern "C" fn(Raw, Text, Text, Text, Text) -> c_int;
pub type StartDoctype = unsafe extern "C" fn(*mut c_void, Text, Text, Text, c_int);
pub type EntityDecl = unsafe extern "C" fn(*mut c_void, Text, c_int, Text, c_int, Text, Text, Text, Text);
pub type XmlDecl = unsafe extern "C" fn(*mut c_void, Text, Text, c_int);
pub type ElementDecl = unsafe extern "C" fn(*mut c_void, Text, *mut Content);
pub type AttlistDecl = unsafe extern "C" fn(*mut c_void, Text, Text, Text, Text, c_int);
pub type SkippedEntity = unsafe extern "C" fn(*mut c_void, Text, c_int);
pub type UnknownEncoding = unsafe extern "C" fn(*mut c_void, Text, *mut EncodingInfo) -> c_int;

macro_rules! functions {
    ($(fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty = $default:expr)?;)*) => {
        #[cfg(expat)]
        unsafe extern "C" {
            $(pub fn $name($($arg: $ty),*) $(-> $ret)?;)*
        }
        #[cfg(not(expat))]
        mod absent {
            use super::*;
            $(
                /// # Safety
                /// Does nothing.
                #[allow(non_snake_case, clippy::too_many_arguments)]
                pub unsafe fn $name($(_: $ty),*) $(-> $ret)? { $($default)? }
            )*
        }
        #[cfg(not(expat))]
        pub use absent::*;
    };
}

functions! {
    fn XML_ErrorString(code: c_int) -> Text = std::ptr::null();
    fn XML_ExpatVersion() -> Text = std::ptr::null();
    fn XML_ExpatVersionInfo() -> Version = Version { major: 0, minor: 0, micro: 0 };
    fn XML_GetFeatureList() -> *const Feature = std::ptr::null();
    fn XML_ParserCreate_MM(encoding: Text, memory: *const c_void, separator: Text) -> Raw = std::ptr::null_mut();
    fn XML_ExternalEntityParserCreate(parser: Raw, context: Text, encoding: Text) -> Raw = std::ptr::null_mut();
    fn XML_ParserFree(parser: Raw);
    fn XML_SetUserData(parser: Raw, data: *mut c_void);
    fn XML_SetHashSalt(parser: Raw, salt: c_ulong) -> c_int = 0;
    fn XML_SetEncoding(parser: Raw, encoding: Text) -> c_int = 0;
    fn XML_Parse(parser: Raw, data: Text, len: c_int, last: c_int) -> c_int = 0;
    fn XML_SetBase(parser: Raw, base: Text) -> c_int = 0;
    fn XML_GetBase(parser: Raw) -> Text = std::ptr::null();
    fn XML_GetInputContext(parser: Raw, offset: *mut c_int, size: *mut c_int) -> Text = std::ptr::null();
    fn XML_GetErrorCode(parser: Raw) -> c_int = 0;
    fn XML_GetCurrentLineNumber(parser: Raw) -> c_ulong = 0;
    fn XML_GetCurrentColumnNumber(parser: Raw) -> c_ulong = 0;
    fn XML_GetCurrentByteIndex(parser: Raw) -> c_long = 0;
    fn XML_GetSpecifiedAttributeCount(parser: Raw) -> c_int = 0;
    fn XML_SetParamEntityParsing(parser: Raw, flag: c_int) -> c_int = 0;
    fn XML_UseForeignDTD(parser: Raw, flag: c_uchar) -> c_int = 0;
    fn XML_SetReturnNSTriplet(parser: Raw, flag: c_int);
    fn XML_FreeContentModel(parser: Raw, model: *mut Content);
    fn XML_SetBillionLaughsAttackProtectionMaximumAmplification(parser: Raw, factor: c_float) -> c_uchar = 0;
    fn XML_SetBillionLaughsAttackProtectionActivationThreshold(parser: Raw, bytes: c_ulonglong) -> c_uchar = 0;
    fn XML_SetStartElementHandler(parser: Raw, handler: Option<StartElement>);
    fn XML_SetEndElementHandler(parser: Raw, handler: Option<OneText>);
    fn XML_SetProcessingInstructionHandler(parser: Raw, handler: Option<TwoTexts>);
    fn XML_SetCharacterDataHandler(parser: Raw, handler: Option<Bytes>);
    fn XML_SetUnparsedEntityDeclHandler(parser: Raw, handler: Option<UnparsedEntity>);
    fn XML_SetNotationDeclHandler(parser: Raw, handler: Option<Notation>);
    fn XML_SetStartNamespaceDeclHandler(parser: Raw, handler: Option<TwoTexts>);
    fn XML_SetEndNamespaceDeclHandler(parser: Raw, handler: Option<OneText>);
    fn XML_SetCommentHandler(parser: Raw, handler: Option<OneText>);
    fn XML_SetStartCdataSectionHandler(parser: Raw, handler: Option<Bare>);
    fn XML_SetEndCdataSectionHandler(parser: Raw, handler: Option<Bare>);
    fn XML_SetDefaultHandler(parser: Raw, handler: Option<Bytes>);
    fn XML_SetDefaultHandlerExpand(parser: Raw, handler: Option<Bytes>);
    fn XML_SetNotStandaloneHandler(parser: Raw, handler: Option<NotStandalone>);
    fn XML_SetExternalEntityRefHandler(parser: Raw, handler: Option<ExternalEntity>);
    fn XML_SetStartDoctypeDeclHandler(parser: Raw, handler: Option<StartDoctype>);
    fn XML_SetEndDoctypeDeclHandler(parser: Raw, handler: Option<Bare>);
    fn XML_SetEntityDeclHandler(parser: Raw, handler: Option<EntityDecl>);
    fn XML_SetXmlDeclHandler(parser: Raw, handler: Option<XmlDecl>);
    fn XML_SetElementDeclHandler(parser: Raw, handler: Option<ElementDecl>);
    fn XML_SetAttlistDeclHandler(parser: Raw, handler: Option<AttlistDecl>);
    fn XML_SetSkippedEntityHandler(parser: Raw, handler: Option<SkippedEntity>);
    fn XML_SetUnknownEncodingHandler(parser: Raw, handler: Option<UnknownEncoding>, data: *mut c_void);
}
