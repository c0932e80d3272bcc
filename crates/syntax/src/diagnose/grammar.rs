//! The grammar of the second pass: Python 3.14 as a parsing expression grammar with error rules.
//!
//! Our own notation, compiled by `engine.rs` on first use. A rule is `name:` (with `memo` when its
//! results are remembered) and alternatives `| ...`; `!| ...` are error alternatives, live only when
//! an error is being looked for. Items: `'tok'`, `"soft keyword"`, `CLASS`, `rule`, `( a / b )`,
//! postfix `?` `*` `+`, `sep.x+` as `x % sep`, `&x`, `!x`, `~` (cut), `&&'tok'` (forced), `a=x` (capture).
//! `=> tag words` names a node, `=> = a` passes a capture on, `=> do fn` runs code; reports are
//! `R a b : m` (range), `L a : m` (one node), `S a : m` (from there to the cursor), `N : m` (next
//! token), `V n tag : m` (needs Python 3.n), `H : m` (last token read), `I : m` (the same, `IndentationError`), `T what a` (bad target).
//! In messages `{a}` is what CPython calls the expression, `{a.text}` its text, `{a.line}` its line.

/// The rules.
pub(super) const GRAMMAR: &str = r#"
file:
| statement* ENDMARKER
interactive:
| compound NEWLINE
| simple_stmts
| NEWLINE
eval:
| expressions NEWLINE* ENDMARKER
func_type:
| '(' type_expressions? ')' '->' expression NEWLINE* ENDMARKER
type_expressions:
| expression % ',' ',' '*' expression ',' '**' expression
| expression % ',' ',' '*' expression
| expression % ',' ',' '**' expression
| '*' expression ',' '**' expression
| '*' expression
| '**' expression
| expression % ','

statement:
| compound
| simple_stmts
simple_stmts:
| simple_stmt !';' NEWLINE
| simple_stmt % ';' ';'? NEWLINE
simple_stmt memo:
| assignment
| &"type" type_alias
| star_expressions
| &'return' return_stmt
| &( 'import' / 'from' ) import_stmt
| &'raise' raise_stmt
| &'pass' 'pass'
| &'del' del_stmt
| &'yield' yield_expr
| &'assert' assert_stmt
| &'break' 'break'
| &'continue' 'continue'
| &'global' global_stmt
| &'nonlocal' nonlocal_stmt
compound:
| &( 'def' / '@' / 'async' ) function_def
| &'if' if_stmt
| &( 'class' / '@' ) class_def
| &( 'with' / 'async' ) with_stmt
| &( 'for' / 'async' ) for_stmt
| &'try' try_stmt
| &'while' while_stmt
| match_stmt

assignment:
| NAME ':' expression ( '=' annotated_rhs )? => V 6 : Variable annotation syntax is
| ( '(' single_target ')' / single_subscript_attribute_target ) ':' expression ( '=' annotated_rhs )? => V 6 : Variable annotations syntax is
| ( star_targets '=' )+ annotated_rhs !'=' TYPE_COMMENT?
| single_target augassign ~ annotated_rhs
!| a=ann_container ':' expression => L a : only single target (not {a}) can be annotated
!| a=star_named_expression ',' star_named_expressions* ':' expression => L a : only single target (not tuple) can be annotated
!| a=expression ':' expression => L a : illegal target for annotation
!| ( star_targets '=' )* a=star_expressions '=' => T star a
!| ( star_targets '=' )* a=yield_expr '=' => L a : assignment to yield expression not possible
!| a=star_expressions augassign annotated_rhs => L a : '{a}' is an illegal expression for augmented assignment
ann_container:
| list
| tuple
| '(' a=ann_container ')' => = a
annotated_rhs:
| yield_expr
| star_expressions
augassign:
| '+='
| '-='
| '*='
| '@=' => V 5 : The '@' operator is
| '/='
| '%='
| '&='
| '|='
| '^='
| '<<='
| '>>='
| '**='
| '//='
return_stmt:
| 'return' star_expressions?
raise_stmt:
| 'raise' expression 'from' expression
| 'raise' expression
| 'raise'
global_stmt:
| 'global' NAME % ','
nonlocal_stmt:
| 'nonlocal' NAME % ','
del_stmt:
| 'del' del_targets &( ';' / NEWLINE )
!| 'del' a=star_expressions => T del a
assert_stmt:
| 'assert' expression ( ',' expression )?
import_stmt memo:
!| a='import' dotted_name % ',' 'from' dotted_name => S a : Did you mean to use 'from ... import ...' instead?
!| 'import' a=NEWLINE => S a : Expected one or more names after 'import'
| 'import' dotted_as_name % ','
| 'from' ( '.' / '...' )* dotted_name 'import' import_from_targets
| 'from' ( '.' / '...' )+ 'import' import_from_targets
import_from_targets:
| '(' import_from_as_name % ',' ','? ')'
| import_from_as_name % ',' !','
| '*'
!| import_from_as_name % ',' ',' NEWLINE => H : trailing comma not allowed without surrounding parentheses
!| a=NEWLINE => S a : Expected one or more names after 'import'
import_from_as_name:
!| NAME 'as' !( NAME ( ',' / ')' / ';' / NEWLINE ) ) a=expression => L a : cannot use {a} as import target
| NAME ( 'as' NAME )?
dotted_as_name:
!| dotted_name 'as' !( NAME ( ',' / ')' / ';' / NEWLINE ) ) a=expression => L a : cannot use {a} as import target
| dotted_name ( 'as' NAME )?
dotted_name left:
| dotted_name '.' NAME
| NAME

block memo:
| NEWLINE INDENT statement+ DEDENT
| simple_stmts
!| NEWLINE !INDENT => I : expected an indented block
decorators:
| ( '@' named_expression NEWLINE )+
class_def:
| decorators class_def_raw
| class_def_raw
class_def_raw:
!| 'class' NAME type_params? ( '(' arguments? ')' )? NEWLINE => H : expected ':'
!| a='class' NAME type_params? ( '(' arguments? ')' )? ':' NEWLINE !INDENT => I : expected an indented block after class definition on line {a.line}
| 'class' NAME type_params? ( '(' arguments? ')' )? ':' block
function_def:
| decorators function_def_raw
| function_def_raw
function_def_raw:
!| 'async'? a='def' NAME type_params? '(' params? ')' ( '->' expression )? ':' NEWLINE !INDENT => I : expected an indented block after function definition on line {a.line}
!| 'async'? 'def' NAME type_params? &&'(' params? ')' ( '->' expression )? &&':' func_type_comment? block => = x
| 'def' NAME type_params? '(' params? ')' ( '->' expression )? ':' func_type_comment? block
| 'async' 'def' NAME type_params? '(' params? ')' ( '->' expression )? ':' func_type_comment? block => V 5 : Async functions are
func_type_comment:
| NEWLINE TYPE_COMMENT &( NEWLINE INDENT )
!| TYPE_COMMENT NEWLINE TYPE_COMMENT NEWLINE INDENT => H : Cannot have two type comments on def
| TYPE_COMMENT

params:
!| a='/' ',' => L a : at least one argument must precede /
!| ( slash_no_default / slash_with_default ) param_maybe_default* a='/' => L a : / may appear only once
!| slash_no_default? param_no_default* params_helper a=param_no_default => L a : parameter without a default follows parameter with a default
!| param_no_default* a='(' param_no_default+ ','? b=')' => R a b : Function parameters cannot be parenthesized
!| ( slash_no_default / slash_with_default )? param_maybe_default* '*' ( ',' / param_no_default ) param_maybe_default* a='/' => L a : / must be ahead of *
!| param_maybe_default+ '/' a='*' => L a : expected comma between / and *
| slash_no_default param_no_default* param_with_default* star_etc? => V 8 : Positional-only parameters are
| slash_with_default param_with_default* star_etc? => V 8 : Positional-only parameters are
| param_no_default+ param_with_default* star_etc?
| param_with_default+ star_etc?
| star_etc
params_helper:
| slash_with_default
| param_with_default+
slash_no_default:
| param_no_default+ '/' ','
| param_no_default+ '/' &')'
slash_with_default:
| param_no_default* param_with_default+ '/' ','
| param_no_default* param_with_default+ '/' &')'
star_etc:
!| a='*' ( ')' / ',' ( ')' / '**' ) ) => L a : named arguments must follow bare *
!| '*' ',' TYPE_COMMENT => H : bare * has associated type comment
!| '*' param a='=' => L a : var-positional argument cannot have default value
!| '*' ( param_no_default / ',' ) param_maybe_default* a='*' ( param_no_default / ',' ) => L a : * argument may appear only once
| '*' param_no_default param_maybe_default* kwds?
| '*' param_no_default_star_annotation param_maybe_default* kwds?
| '*' ',' param_maybe_default+ kwds?
| kwds
kwds:
!| '**' param a='=' => L a : var-keyword argument cannot have default value
!| '**' param ',' a=param => L a : arguments cannot follow var-keyword argument
!| '**' param ',' a=( '*' / '**' / '/' ) => L a : arguments cannot follow var-keyword argument
| '**' param_no_default
param_no_default:
| a=param ',' TYPE_COMMENT? => = a
| a=param TYPE_COMMENT? &')' => = a
param_no_default_star_annotation:
| NAME ':' star_expression ',' TYPE_COMMENT?
| NAME ':' star_expression TYPE_COMMENT? &')'
param_with_default:
| param default ',' TYPE_COMMENT?
| param default TYPE_COMMENT? &')'
param_maybe_default:
| param default? ',' TYPE_COMMENT?
| param default? TYPE_COMMENT? &')'
param:
| NAME ( ':' expression )?
default:
| '=' expression
!| a='=' &( ')' / ',' ) => L a : expected default value expression

if_stmt:
!| 'if' named_expression NEWLINE => H : expected ':'
!| a='if' named_expression ':' NEWLINE !INDENT => I : expected an indented block after 'if' statement on line {a.line}
| 'if' named_expression ':' block elif_stmt
| 'if' named_expression ':' block else_block?
elif_stmt:
!| 'elif' named_expression NEWLINE => H : expected ':'
!| a='elif' named_expression ':' NEWLINE !INDENT => I : expected an indented block after 'elif' statement on line {a.line}
| 'elif' named_expression ':' block elif_stmt
| 'elif' named_expression ':' block else_block?
else_block:
!| a='else' ':' NEWLINE !INDENT => I : expected an indented block after 'else' statement on line {a.line}
!| 'else' ':' block 'elif' => H : 'elif' block follows an 'else' block
| 'else' &&':' block
while_stmt:
!| 'while' named_expression NEWLINE => H : expected ':'
!| a='while' named_expression ':' NEWLINE !INDENT => I : expected an indented block after 'while' statement on line {a.line}
| 'while' named_expression ':' block else_block?
for_stmt:
!| 'async'? 'for' star_targets 'in' star_expressions NEWLINE => H : expected ':'
!| 'async'? a='for' star_targets 'in' star_expressions ':' NEWLINE !INDENT => I : expected an indented block after 'for' statement on line {a.line}
| 'for' star_targets 'in' ~ star_expressions ':' TYPE_COMMENT? block else_block?
| 'async' 'for' star_targets 'in' ~ star_expressions ':' TYPE_COMMENT? block else_block? => V 5 : Async for loops are
!| 'async'? 'for' a=star_expressions => T for a
with_stmt:
!| 'async'? a='with' ( expression ( 'as' star_target )? ) % ',' ':' NEWLINE !INDENT => I : expected an indented block after 'with' statement on line {a.line}
!| 'async'? a='with' '(' ( expressions ( 'as' star_target )? ) % ',' ','? ')' ':' NEWLINE !INDENT => I : expected an indented block after 'with' statement on line {a.line}
| 'with' '(' with_item % ',' ','? ')' ':' TYPE_COMMENT? block
| 'with' with_item % ',' ':' TYPE_COMMENT? block
| 'async' 'with' '(' with_item % ',' ','? ')' ':' block => V 5 : Async with statements are
| 'async' 'with' with_item % ',' ':' TYPE_COMMENT? block => V 5 : Async with statements are
!| 'async'? 'with' ( expression ( 'as' star_target )? ) % ',' NEWLINE => H : expected ':'
!| 'async'? 'with' '(' ( expressions ( 'as' star_target )? ) % ',' ','? ')' NEWLINE => H : expected ':'
with_item:
| expression 'as' star_target &( ',' / ')' / ':' )
!| expression 'as' a=expression &( ',' / ')' / ':' ) => T star a
| expression
try_stmt:
!| a='try' ':' NEWLINE !INDENT => I : expected an indented block after 'try' statement on line {a.line}
!| 'try' ':' block !( 'except' / 'finally' ) => H : expected 'except' or 'finally' block
!| 'try' ':' block* except_block+ a='except' b='*' expression ( 'as' NAME )? ':' => R a b : cannot have both 'except' and 'except*' on the same 'try'
!| 'try' ':' block* except_star_block+ a='except' ( expression ( 'as' NAME )? )? ':' => L a : cannot have both 'except' and 'except*' on the same 'try'
| 'try' &&':' block finally_block
| 'try' &&':' block except_block+ else_block? finally_block?
| 'try' &&':' block except_star_block+ else_block? finally_block? => V 11 : Exception groups are
except_block:
!| a='except' expression ( 'as' NAME )? ':' NEWLINE !INDENT => I : expected an indented block after 'except' statement on line {a.line}
!| a='except' ':' NEWLINE !INDENT => I : expected an indented block after 'except' statement on line {a.line}
| 'except' expression ':' block
| 'except' expression 'as' NAME ':' block
| 'except' expressions ':' block => V 14 : except expressions without parentheses are
| 'except' ':' block
!| 'except' a=expression ',' expressions 'as' NAME ':' => S a : multiple exception types must be parenthesized when using 'as'
!| 'except' expression ( 'as' NAME )? NEWLINE => H : expected ':'
!| 'except' NEWLINE => H : expected ':'
!| 'except' expression 'as' a=expression ':' block => L a : cannot use except statement with {a}
except_star_block:
!| a='except' '*' expression ( 'as' NAME )? ':' NEWLINE !INDENT => I : expected an indented block after 'except*' statement on line {a.line}
| 'except' '*' expression ':' block
| 'except' '*' expression 'as' NAME ':' block
| 'except' '*' expressions ':' block => V 14 : except expressions without parentheses are
!| 'except' '*' a=expression ',' expressions 'as' NAME ':' => S a : multiple exception types must be parenthesized when using 'as'
!| 'except' '*' expression ( 'as' NAME )? NEWLINE => H : expected ':'
!| 'except' '*' ( NEWLINE / ':' ) => H : expected one or more exception types
!| 'except' '*' expression 'as' a=expression ':' block => L a : cannot use except* statement with {a}
finally_block:
!| a='finally' ':' NEWLINE !INDENT => I : expected an indented block after 'finally' statement on line {a.line}
| 'finally' &&':' block

match_stmt:
| "match" subject_expr ':' NEWLINE INDENT case_block+ DEDENT => V 10 : Pattern matching is
!| "match" subject_expr NEWLINE => H : expected ':'
!| a="match" subject_expr ':' NEWLINE !INDENT => I : expected an indented block after 'match' statement on line {a.line}
subject_expr:
| star_named_expression ',' star_named_expressions?
| named_expression
case_block:
!| "case" patterns guard? NEWLINE => H : expected ':'
!| a="case" patterns guard? ':' NEWLINE !INDENT => I : expected an indented block after 'case' statement on line {a.line}
| "case" patterns guard? ':' block
guard:
| 'if' named_expression
patterns:
| open_sequence_pattern
| pattern
pattern:
| as_pattern
| or_pattern
as_pattern:
| or_pattern 'as' pattern_capture_target
!| or_pattern 'as' a="_" => L a : cannot use '_' as a target
!| or_pattern 'as' a=expression => L a : cannot use {a} as pattern target
or_pattern:
| closed_pattern % '|'
closed_pattern memo:
| literal_pattern
| pattern_capture_target
| "_"
| attr !( '.' / '(' / '=' )
| '(' pattern ')'
| '[' maybe_sequence_pattern? ']'
| '(' open_sequence_pattern? ')'
| mapping_pattern
| class_pattern
literal_pattern:
| signed_number !( '+' / '-' )
| complex_number
| strings
| 'None'
| 'True'
| 'False'
complex_number:
| signed_real_number ( '+' / '-' ) imaginary_number
signed_number:
| NUMBER
| '-' NUMBER
signed_real_number:
| real_number
| '-' real_number
real_number:
| a=NUMBER => do real
imaginary_number:
| a=NUMBER => do imaginary
pattern_capture_target:
| !"_" NAME !( '.' / '(' / '=' )
attr left:
| name_or_attr '.' NAME => attribute
name_or_attr:
| attr
| NAME
open_sequence_pattern:
| maybe_star_pattern ',' maybe_sequence_pattern?
maybe_sequence_pattern:
| maybe_star_pattern % ',' ','?
maybe_star_pattern:
| star_pattern
| pattern
star_pattern memo:
| '*' pattern_capture_target
| '*' "_"
mapping_pattern:
| '{' '}'
| '{' double_star_pattern ','? '}'
| '{' items_pattern ',' double_star_pattern ','? '}'
| '{' items_pattern ','? '}'
items_pattern:
| key_value_pattern % ','
key_value_pattern:
| ( literal_pattern / attr ) ':' pattern
double_star_pattern:
| '**' pattern_capture_target
class_pattern:
| name_or_attr '(' ')'
| name_or_attr '(' positional_patterns ','? ')'
| name_or_attr '(' keyword_patterns ','? ')'
| name_or_attr '(' positional_patterns ',' keyword_patterns ','? ')'
!| name_or_attr '(' ( positional_patterns ',' )? keyword_patterns ',' a=positional_patterns => R a a : positional patterns follow keyword patterns
positional_patterns:
| pattern % ','
keyword_patterns:
| ( NAME '=' pattern ) % ','

type_alias:
| "type" NAME type_params? '=' expression => V 12 : Type statement is
type_params:
!| '[' a=']' => S a : Type parameter list cannot be empty
| '[' type_param % ',' ','? ']' => V 12 : Type parameter lists are
type_param memo:
| NAME ( ':' expression )? type_default?
!| '*' NAME a=':' b=expression => do bound_star
!| '**' NAME a=':' b=expression => do bound_double
| '*' NAME type_star_default?
| '**' NAME type_default?
type_default:
| '=' expression => V 13 : Type parameter defaults are
type_star_default:
| '=' star_expression => V 13 : Type parameter defaults are

expressions:
| expression ( ',' expression )+ ','? => tuple
| expression ',' => tuple
| expression
expression memo:
!| STRING a=( !STRING expression_without_invalid )+ STRING => R a a : invalid syntax. Is this intended to be part of the string?
!| !( NAME STRING / SOFT_KEYWORD ) a=disjunction b=expression_without_invalid => do missing_comma
!| a=disjunction 'if' b=disjunction !( 'else' / ':' ) => R a b : expected 'else' after 'if' expression
!| a=disjunction 'if' b=disjunction 'else' !expression => N : expected expression after 'else', but statement is given
!| a=( 'pass' / 'break' / 'continue' ) 'if' b=disjunction 'else' simple_stmt => L a : expected expression before 'if', but statement is given
!| a='lambda' lambda_params? b=':' &FSTRING_MIDDLE => R a b : f-string: lambda expressions are not allowed without parentheses
!| a='lambda' lambda_params? b=':' &TSTRING_MIDDLE => R a b : t-string: lambda expressions are not allowed without parentheses
!| a=NAME !'(' b=star_expressions => do legacy
| disjunction 'if' disjunction 'else' expression => conditional expression
| disjunction
| lambdef
expression_without_invalid quiet:
| disjunction 'if' disjunction 'else' expression => conditional expression
| disjunction
| lambdef
yield_expr:
| 'yield' 'from' expression => yield expression
| 'yield' star_expressions? => yield expression
star_expressions:
| star_expression ( ',' star_expression )+ ','? => tuple
| star_expression ',' => tuple
| star_expression
star_expression memo:
!| STRING a=( !STRING expression_without_invalid )+ STRING => R a a : invalid syntax. Is this intended to be part of the string?
| '*' bitwise_or => starred
| expression
star_named_expressions:
| star_named_expression % ',' ','?
star_named_expression:
| '*' bitwise_or => starred
| named_expression
assignment_expression:
| NAME ':=' ~ expression => V 8 named expression : Assignment expressions are
named_expression:
| assignment_expression
| invalid_named_expression
| expression !':='
invalid_named_expression memo:
!| STRING a=( !STRING expression_without_invalid )+ STRING => R a a : invalid syntax. Is this intended to be part of the string?
!| a=expression ':=' expression => L a : cannot use assignment expressions with {a}
!| a=NAME '=' b=bitwise_or !( '=' / ':=' ) => R a b : invalid syntax. Maybe you meant '==' or ':=' instead of '='?
!| !( list / tuple / genexp / 'True' / 'None' / 'False' ) a=bitwise_or '=' bitwise_or !( '=' / ':=' ) => L a : cannot assign to {a} here. Maybe you meant '==' instead of '='?
disjunction memo:
| conjunction ( 'or' conjunction )+ => expression
| conjunction
conjunction memo:
| inversion ( 'and' inversion )+ => expression
| inversion
inversion memo:
| 'not' inversion => expression
| comparison
comparison:
| bitwise_or comparison_pair+ => comparison
| bitwise_or
comparison_pair:
| '==' bitwise_or
| noteq bitwise_or
| '<=' bitwise_or
| '<' bitwise_or
| '>=' bitwise_or
| '>' bitwise_or
| 'not' 'in' bitwise_or
| 'in' bitwise_or
| 'is' 'not' bitwise_or
| 'is' bitwise_or
noteq:
| a='!=' => do barry
| a='<>' => do barry
bitwise_or left:
| bitwise_or '|' bitwise_xor => expression
| bitwise_xor
bitwise_xor left:
| bitwise_xor '^' bitwise_and => expression
| bitwise_and
bitwise_and left:
| bitwise_and '&' shift_expr => expression
| shift_expr
shift_expr left:
| shift_expr '<<' sum => expression
| shift_expr '>>' sum => expression
!| sum ( '+' / '-' / '*' / '/' / '%' / '//' / '@' ) a='not' b=inversion => R a b : 'not' after an operator must be parenthesized
| sum
sum left:
| sum '+' term => expression
| sum '-' term => expression
| term
term left:
| term '*' factor => expression
| term '/' factor => expression
| term '//' factor => expression
| term '%' factor => expression
| term '@' factor => V 5 expression : The '@' operator is
!| ( '+' / '-' / '~' ) a='not' b=factor => R a b : 'not' after an operator must be parenthesized
| factor
factor memo:
| '+' factor => expression
| '-' factor => expression
| '~' factor => expression
| power
power:
| await_primary '**' factor => expression
| await_primary
await_primary memo:
| 'await' primary => V 5 await expression : Await expressions are
| primary
primary left:
| primary '.' NAME => attribute
| primary genexp => function call
| primary '(' arguments? ')' => function call
| primary '[' slices ']' => subscript
| atom
slices:
| slice !','
| ( slice / starred_expression ) % ',' ','? => tuple
slice:
| expression? ':' expression? ( ':' expression? )?
| named_expression
atom:
| NAME
| 'True'
| 'False'
| 'None'
| &( STRING / FSTRING_START / TSTRING_START ) strings
| a=NUMBER => do number
| &'(' ( tuple / group / genexp )
| &'[' ( list / listcomp )
| &'{' ( dict / set / dictcomp / setcomp )
| '...'
group:
| '(' a=( yield_expr / named_expression ) ')' => = a
!| '(' a=starred_expression ')' => L a : cannot use starred expression here
!| '(' a='**' expression ')' => L a : cannot use double starred expression here
list:
| '[' star_named_expressions? ']' => list
tuple:
| '(' ( star_named_expression ',' star_named_expressions? )? ')' => tuple
set:
| '{' star_named_expressions '}' => set display
dict:
| '{' double_starred_kvpairs? '}' => dict literal
!| '{' invalid_double_starred_kvpairs '}' => = x
double_starred_kvpairs:
| double_starred_kvpair % ',' ','?
double_starred_kvpair:
| '**' bitwise_or
| kvpair
kvpair:
| expression ':' expression
invalid_double_starred_kvpairs:
!| double_starred_kvpair % ',' ',' invalid_kvpair => = x
!| expression ':' a='*' bitwise_or => S a : cannot use a starred expression in a dictionary value
!| expression a=':' &( '}' / ',' ) => L a : expression expected after dictionary key and ':'
invalid_kvpair:
!| a=expression !':' => do colon_after_key
!| expression ':' a='*' bitwise_or => S a : cannot use a starred expression in a dictionary value
!| expression a=':' &( '}' / ',' ) => L a : expression expected after dictionary key and ':'
for_if_clauses:
| for_if_clause+
for_if_clause:
| 'async' 'for' star_targets 'in' ~ disjunction ( 'if' disjunction )* => V 6 : Async comprehensions are
| 'for' star_targets 'in' ~ disjunction ( 'if' disjunction )*
!| 'async'? 'for' ( bitwise_or ( ',' bitwise_or )* ','? ) !'in' => H : 'in' expected after for-loop variables
!| 'async'? 'for' a=star_expressions => T for a
listcomp:
| '[' named_expression for_if_clauses ']' => list comprehension
| invalid_comprehension
setcomp:
| '{' named_expression for_if_clauses '}' => set comprehension
| invalid_comprehension
genexp:
| '(' ( assignment_expression / expression !':=' ) for_if_clauses ')' => generator expression
| invalid_comprehension
dictcomp:
| '{' kvpair for_if_clauses '}' => dict comprehension
!| '{' a='**' bitwise_or for_if_clauses '}' => L a : dict unpacking cannot be used in dict comprehension
invalid_comprehension:
!| ( '[' / '(' / '{' ) a=starred_expression for_if_clauses => L a : iterable unpacking cannot be used in comprehension
!| ( '[' / '{' ) a=star_named_expression ',' b=star_named_items for_if_clauses => R a b : did you forget parentheses around the comprehension target?
!| ( '[' / '{' ) a=star_named_expression b=',' for_if_clauses => R a b : did you forget parentheses around the comprehension target?
star_named_items:
| a=star_named_expression % ',' ','? => = a

arguments memo:
| a=args ','? &')' => = a
!| ( arg % ',' ',' kwargs / kwargs ) a=',' ( starred_expression !'=' ) % ',' => S a : iterable argument unpacking follows keyword argument unpacking
!| a=expression b=for_if_clauses ',' ( args / expression for_if_clauses )? => R a b : Generator expression must be parenthesized
!| a=NAME b='=' expression for_if_clauses => R a b : invalid syntax. Maybe you meant '==' or ':=' instead of '='?
!| ( args ',' )? a=NAME b='=' &( ',' / ')' ) => R a b : expected argument value expression
!| a=args b=for_if_clauses => do nonparen_genexp
!| args ',' a=expression b=for_if_clauses => R a b : Generator expression must be parenthesized
!| a=args ',' args => do arguments_error
args:
| arg % ',' ( ',' kwargs )? => args
| kwargs => args
arg:
| starred_expression
| ( assignment_expression / expression !':=' ) !'='
kwargs:
| kwarg_or_starred % ',' ',' kwarg_or_double_starred % ','
| kwarg_or_starred % ','
| kwarg_or_double_starred % ','
starred_expression:
!| a='*' expression '=' b=expression => R a b : cannot assign to iterable argument unpacking
| '*' expression => starred
!| '*' => H : Invalid star expression
kwarg_or_starred:
| invalid_kwarg
| NAME '=' expression => kw
| starred_expression
kwarg_or_double_starred:
| invalid_kwarg
| NAME '=' expression => kw
| '**' expression => kwstar
invalid_kwarg:
!| a=( 'True' / 'False' / 'None' ) b='=' => R a b : cannot assign to {a.text}
!| a=NAME b='=' expression for_if_clauses => R a b : invalid syntax. Maybe you meant '==' or ':=' instead of '='?
!| !( NAME '=' ) a=expression b='=' => R a b : expression cannot contain assignment, perhaps you meant "=="?
!| a='**' expression '=' b=expression => R a b : cannot assign to keyword argument unpacking

star_targets:
| star_target !','
| star_target ( ',' star_target )* ','?
star_target memo:
| '*' !'*' star_target
| target_with_star_atom
target_with_star_atom memo:
| t_primary '.' NAME !t_lookahead
| t_primary '[' slices ']' !t_lookahead
| star_atom
star_atom:
| NAME
| '(' target_with_star_atom ')'
| '(' ( star_target ( ',' star_target )+ ','? / star_target ',' )? ')'
| '[' ( star_target % ',' ','? )? ']'
single_target:
| single_subscript_attribute_target
| NAME
| '(' single_target ')'
single_subscript_attribute_target:
| t_primary '.' NAME !t_lookahead
| t_primary '[' slices ']' !t_lookahead
t_primary left:
| t_primary '.' NAME &t_lookahead
| t_primary '[' slices ']' &t_lookahead
| t_primary genexp &t_lookahead
| t_primary '(' arguments? ')' &t_lookahead
| atom &t_lookahead
t_lookahead:
| '('
| '['
| '.'
del_targets:
| del_target % ',' ','?
del_target memo:
| t_primary '.' NAME !t_lookahead
| t_primary '[' slices ']' !t_lookahead
| del_t_atom
del_t_atom:
| NAME
| '(' del_target ')'
| '(' del_targets? ')'
| '[' del_targets? ']'

lambdef:
| 'lambda' lambda_params? ':' expression => lambda
lambda_params:
!| a='/' ',' => L a : at least one argument must precede /
!| ( lambda_slash_no_default / lambda_slash_with_default ) lambda_param_maybe_default* a='/' => L a : / may appear only once
!| lambda_slash_no_default? lambda_param_no_default* lambda_params_helper a=lambda_param_no_default => L a : parameter without a default follows parameter with a default
!| lambda_param_no_default* a='(' NAME % ',' ','? b=')' => R a b : Lambda expression parameters cannot be parenthesized
!| ( lambda_slash_no_default / lambda_slash_with_default )? lambda_param_maybe_default* '*' ( ',' / lambda_param_no_default ) lambda_param_maybe_default* a='/' => L a : / must be ahead of *
!| lambda_param_maybe_default+ '/' a='*' => L a : expected comma between / and *
| lambda_slash_no_default lambda_param_no_default* lambda_param_with_default* lambda_star_etc? => V 8 : Positional-only parameters are
| lambda_slash_with_default lambda_param_with_default* lambda_star_etc? => V 8 : Positional-only parameters are
| lambda_param_no_default+ lambda_param_with_default* lambda_star_etc?
| lambda_param_with_default+ lambda_star_etc?
| lambda_star_etc
lambda_params_helper:
| lambda_slash_with_default
| lambda_param_with_default+
lambda_slash_no_default:
| lambda_param_no_default+ '/' ','
| lambda_param_no_default+ '/' &':'
lambda_slash_with_default:
| lambda_param_no_default* lambda_param_with_default+ '/' ','
| lambda_param_no_default* lambda_param_with_default+ '/' &':'
lambda_star_etc:
!| '*' ( ':' / ',' ( ':' / '**' ) ) => H : named arguments must follow bare *
!| '*' NAME a='=' => L a : var-positional argument cannot have default value
!| '*' ( lambda_param_no_default / ',' ) lambda_param_maybe_default* a='*' ( lambda_param_no_default / ',' ) => L a : * argument may appear only once
| '*' lambda_param_no_default lambda_param_maybe_default* lambda_kwds?
| '*' ',' lambda_param_maybe_default+ lambda_kwds?
| lambda_kwds
lambda_kwds:
!| '**' NAME a='=' => L a : var-keyword argument cannot have default value
!| '**' NAME ',' a=NAME => L a : arguments cannot follow var-keyword argument
!| '**' NAME ',' a=( '*' / '**' / '/' ) => L a : arguments cannot follow var-keyword argument
| '**' lambda_param_no_default
lambda_param_no_default:
| a=NAME ',' => = a
| a=NAME &':' => = a
lambda_param_with_default:
| NAME default ','
| NAME default &':'
lambda_param_maybe_default:
| NAME default? ','
| NAME default? &':'

strings memo:
!| ( fstring / string )+ tstring => do mixed
!| tstring+ ( fstring / string ) => do mixed
| a=( fstring / string )+ => do concat
| tstring+ => t-string expression
string:
| a=STRING => do string
fstring:
| a=FSTRING_START fstring_middle* FSTRING_END => f-string expression
tstring memo:
| a=TSTRING_START tstring_middle* TSTRING_END => V 14 t-string expression : t-strings are
fstring_middle:
| fstring_field
| a=FSTRING_MIDDLE => do middle
tstring_middle:
| tstring_field
| a=TSTRING_MIDDLE => do middle
fstring_field:
| '{' annotated_rhs '='? f_conversion? fstring_spec? '}'
!| '{' a='=' => L a : f-string: valid expression required before '='
!| '{' a='!' => L a : f-string: valid expression required before '!'
!| '{' a=':' => L a : f-string: valid expression required before ':'
!| '{' a='}' => L a : f-string: valid expression required before '}'
!| '{' !annotated_rhs => N : f-string: expecting a valid expression after '{'
!| '{' annotated_rhs !( '=' / '!' / ':' / '}' ) => N : f-string: expecting '=', or '!', or ':', or '}'
!| '{' annotated_rhs '=' !( '!' / ':' / '}' ) => N : f-string: expecting '!', or ':', or '}'
!| '{' annotated_rhs '='? '!' &( ':' / '}' ) => N : f-string: missing conversion character
!| '{' annotated_rhs '='? '!' !NAME => N : f-string: invalid conversion character
!| '{' annotated_rhs '='? ( '!' NAME )? !( ':' / '}' ) => N : f-string: expecting ':' or '}'
!| '{' annotated_rhs '='? ( '!' NAME )? ':' fstring_format_spec* !'}' => N : f-string: expecting '}', or format specs
!| '{' annotated_rhs '='? ( '!' NAME )? !'}' => N : f-string: expecting '}'
tstring_field:
| '{' annotated_rhs '='? t_conversion? tstring_spec? '}'
!| '{' a='=' => L a : t-string: valid expression required before '='
!| '{' a='!' => L a : t-string: valid expression required before '!'
!| '{' a=':' => L a : t-string: valid expression required before ':'
!| '{' a='}' => L a : t-string: valid expression required before '}'
!| '{' !annotated_rhs => N : t-string: expecting a valid expression after '{'
!| '{' annotated_rhs !( '=' / '!' / ':' / '}' ) => N : t-string: expecting '=', or '!', or ':', or '}'
!| '{' annotated_rhs '=' !( '!' / ':' / '}' ) => N : t-string: expecting '!', or ':', or '}'
!| '{' annotated_rhs '='? '!' &( ':' / '}' ) => N : t-string: missing conversion character
!| '{' annotated_rhs '='? '!' !NAME => N : t-string: invalid conversion character
!| '{' annotated_rhs '='? ( '!' NAME )? !( ':' / '}' ) => N : t-string: expecting ':' or '}'
!| '{' annotated_rhs '='? ( '!' NAME )? ':' tstring_format_spec* !'}' => N : t-string: expecting '}', or format specs
!| '{' annotated_rhs '='? ( '!' NAME )? !'}' => N : t-string: expecting '}'
f_conversion:
| a='!' b=NAME => do f_conversion
t_conversion:
| a='!' b=NAME => do t_conversion
fstring_spec:
| ':' fstring_format_spec*
tstring_spec:
| ':' tstring_format_spec*
fstring_format_spec:
| a=FSTRING_MIDDLE => do middle
| fstring_field
tstring_format_spec:
| a=TSTRING_MIDDLE => do middle
| tstring_field
"#;
