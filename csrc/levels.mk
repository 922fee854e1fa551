# Compiler flags, read by setup.py, tests/c/Makefile and tests/targets.py: of everything; of each instruction-set level on
# x86-64; and of machines whose compilers would else compute a float in more than its precision.
# No contraction: a fused multiply-add would change bits from one level to the next, and for the same reason no level has FMA.
# The last two flags change no value; without them sqrt and selects do not vectorise.
CORE_FLAGS = -std=c11 -Wall -Wextra -ffp-contract=off -fno-math-errno -fno-trapping-math
LEVEL_baseline = -march=x86-64-v2
LEVEL_avx2 = -march=x86-64-v2 -mavx2 -mbmi -mbmi2 -mf16c
LEVEL_avx512 = -march=x86-64-v2 -mavx2 -mbmi -mbmi2 -mf16c -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl -mprefer-vector-width=512
MACHINE_i686 = -msse2 -mfpmath=sse
MACHINE_s390x = -fexcess-precision=fast
