"""Elementary functions of float64 in plain arithmetic: the same bits on every processor, which libm does not give.

A libm picks variants of its functions by processor. These use nothing but +, -, *, /, square root, rounding to whole
numbers and bits, all of which IEEE 754 fixes to the last bit; they are meant for strict compilation (no fast-math
flags), where a multiplication and an addition are never fused. Errors stay below 1 ulp (tests: 2 ulp at most); special
values (signed zeros, infinities, NaN, subnormal numbers) are those of C99, annex F. The ones that the life loop calls
at every step (exp, log, sin, cos) are short; the others go through pairs of float64 and take their time.
"""
