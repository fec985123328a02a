"""Elementary functions of float64 in plain arithmetic: the same bits on every processor, which libm does not give.

A libm picks variants of its functions by processor. These use nothing but +, -, *, /, square root, fused multiply-add,
rounding to whole numbers and bits, all of which IEEE 754 fixes to the last bit; nothing is fused but what says `fma`.
Relative errors stay below 1e-15 (the worst found: 5.7e-16); special values (signed zeros, infinities, NaN, subnormal
numbers) are those of C99, annex F. What worlds and policies call at every step has hardly a branch and is merged into
its callers; what is rare or long is kept `out_of_line`.
"""
