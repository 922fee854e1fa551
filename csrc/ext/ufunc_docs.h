/* The ufuncs' docstrings; NumPy puts the signature before each. */
#ifndef FI_UFUNC_DOCS_H
#define FI_UFUNC_DOCS_H

#define SIGMOID_DOC                                                                                                    \
    "The logistic sigmoid, 1 / (1 + exp(-z)).\n"                                                                       \
    "\n"                                                                                                               \
    "Parameters\n"                                                                                                     \
    "----------\n"                                                                                                     \
    "z : array_like\n"                                                                                                 \
    "    The pre-activation: float16, float32 or float64; other types are promoted as np.tanh promotes them.\n"        \
    "out, where, casting, order, dtype, subok : optional\n"                                                            \
    "    As for every ufunc of NumPy's.\n"                                                                             \
    "\n"                                                                                                               \
    "Returns\n"                                                                                                        \
    "-------\n"                                                                                                        \
    "ndarray or scalar\n"                                                                                              \
    "    Of the broadcast shape. NaN gives NaN; no floating-point warning or error is ever raised.\n"                  \
    "\n"                                                                                                               \
    "Notes\n"                                                                                                          \
    "-----\n"                                                                                                          \
    "float32 is off by at most 0.51 ulp over all 2^32 inputs (`make ulp`), float64 by less than 2; float16 is the "    \
    "nearest value.\n"                                                                                                 \
    "\n"                                                                                                               \
    "Examples\n"                                                                                                       \
    "--------\n"                                                                                                       \
    ">>> import fastinit\n"                                                                                            \
    ">>> float(fastinit.sigmoid(0.0))\n"                                                                               \
    "0.5\n"                                                                                                            \
    ">>> float(fastinit.sigmoid(-745.0)) > 0  # down to the last subnormal\n"                                          \
    "True\n"

#define DSIGMOID_DOC                                                                                                   \
    "The derivative of the sigmoid at z: e / (1 + e)^2, e = exp(-abs(z)).\n"                                           \
    "\n"                                                                                                               \
    "Parameters\n"                                                                                                     \
    "----------\n"                                                                                                     \
    "z : array_like\n"                                                                                                 \
    "    The pre-activation, not the sigmoid's value: float16, float32 or float64; other types are promoted as "       \
    "np.tanh promotes them.\n"                                                                                         \
    "out, where, casting, order, dtype, subok : optional\n"                                                            \
    "    As for every ufunc of NumPy's.\n"                                                                             \
    "\n"                                                                                                               \
    "Returns\n"                                                                                                        \
    "-------\n"                                                                                                        \
    "ndarray or scalar\n"                                                                                              \
    "    Of the broadcast shape. NaN gives NaN; no floating-point warning or error is ever raised.\n"                  \
    "\n"                                                                                                               \
    "Notes\n"                                                                                                          \
    "-----\n"                                                                                                          \
    "y * (1 - y), computed from a rounded y, is 0 from about z = 17 in float32 and 37 in float64; this is right "      \
    "until it\n"                                                                                                       \
    "underflows, at 103 and 745. An even function, bit for bit. float32 is off by at most 0.51 ulp over all 2^32 "     \
    "inputs (`make ulp`), float64 by less than 2; float16 is the nearest value.\n"                                     \
    "\n"                                                                                                               \
    "Examples\n"                                                                                                       \
    "--------\n"                                                                                                       \
    ">>> import numpy as np, fastinit\n"                                                                               \
    ">>> float(fastinit.dsigmoid(np.float32(0)))\n"                                                                    \
    "0.25\n"                                                                                                           \
    ">>> z = np.float32(20)\n"                                                                                         \
    ">>> y = fastinit.sigmoid(z)\n"                                                                                    \
    ">>> float(y * (1 - y)), f\"{fastinit.dsigmoid(z):.3e}\"\n"                                                        \
    "(0.0, '2.061e-09')\n"

#define TANH_DOC                                                                                                       \
    "The hyperbolic tangent.\n"                                                                                        \
    "\n"                                                                                                               \
    "Parameters\n"                                                                                                     \
    "----------\n"                                                                                                     \
    "z : array_like\n"                                                                                                 \
    "    The pre-activation: float16, float32 or float64; other types are promoted as np.tanh promotes them.\n"        \
    "out, where, casting, order, dtype, subok : optional\n"                                                            \
    "    As for every ufunc of NumPy's.\n"                                                                             \
    "\n"                                                                                                               \
    "Returns\n"                                                                                                        \
    "-------\n"                                                                                                        \
    "ndarray or scalar\n"                                                                                              \
    "    Of the broadcast shape. NaN gives NaN; no floating-point warning or error is ever raised.\n"                  \
    "\n"                                                                                                               \
    "Notes\n"                                                                                                          \
    "-----\n"                                                                                                          \
    "float32 is off by at most 0.51 ulp over all 2^32 inputs (`make ulp`), float64 by less than 2; float16 is the "    \
    "nearest value.\n"                                                                                                 \
    "\n"                                                                                                               \
    "Examples\n"                                                                                                       \
    "--------\n"                                                                                                       \
    ">>> import fastinit\n"                                                                                            \
    ">>> float(fastinit.tanh(1e-300))\n"                                                                               \
    "1e-300\n"

#define DTANH_DOC                                                                                                      \
    "The derivative of tanh at z: 4 e^2 / (1 + e^2)^2, e = exp(-abs(z)).\n"                                            \
    "\n"                                                                                                               \
    "Parameters\n"                                                                                                     \
    "----------\n"                                                                                                     \
    "z : array_like\n"                                                                                                 \
    "    The pre-activation, not tanh's value: float16, float32 or float64; other types are promoted as np.tanh "      \
    "promotes them.\n"                                                                                                 \
    "out, where, casting, order, dtype, subok : optional\n"                                                            \
    "    As for every ufunc of NumPy's.\n"                                                                             \
    "\n"                                                                                                               \
    "Returns\n"                                                                                                        \
    "-------\n"                                                                                                        \
    "ndarray or scalar\n"                                                                                              \
    "    Of the broadcast shape. NaN gives NaN; no floating-point warning or error is ever raised.\n"                  \
    "\n"                                                                                                               \
    "Notes\n"                                                                                                          \
    "-----\n"                                                                                                          \
    "1 - y * y, computed from a rounded y, is 0 from about z = 9 in float32 and 19 in float64; this is right until "   \
    "it\n"                                                                                                             \
    "underflows. An even function, bit for bit. float32 is off by at most 0.51 ulp over all 2^32 inputs (`make "       \
    "ulp`), float64 by less than 2; float16 is the nearest value.\n"                                                   \
    "\n"                                                                                                               \
    "Examples\n"                                                                                                       \
    "--------\n"                                                                                                       \
    ">>> import numpy as np, fastinit\n"                                                                               \
    ">>> z = np.float32(10)\n"                                                                                         \
    ">>> y = fastinit.tanh(z)\n"                                                                                       \
    ">>> float(1 - y * y), f\"{fastinit.dtanh(z):.3e}\"\n"                                                             \
    "(0.0, '8.245e-09')\n"

#define SIGMOID_BACKWARD_DOC                                                                                           \
    "The backward step through a sigmoid: grad * dsigmoid(z), in one pass.\n"                                          \
    "\n"                                                                                                               \
    "Parameters\n"                                                                                                     \
    "----------\n"                                                                                                     \
    "grad, z : array_like\n"                                                                                           \
    "    The gradient with respect to the activation, and the pre-activation: float16, float32 or float64; other "     \
    "types are promoted as np.tanh promotes them.\n"                                                                   \
    "out, where, casting, order, dtype, subok : optional\n"                                                            \
    "    As for every ufunc of NumPy's.\n"                                                                             \
    "\n"                                                                                                               \
    "Returns\n"                                                                                                        \
    "-------\n"                                                                                                        \
    "ndarray or scalar\n"                                                                                              \
    "    Of the broadcast shape. NaN gives NaN; no floating-point warning or error is ever raised.\n"                  \
    "\n"                                                                                                               \
    "Notes\n"                                                                                                          \
    "-----\n"                                                                                                          \
    "The derivative is multiplied before it is rounded.\n"                                                             \
    "\n"                                                                                                               \
    "Examples\n"                                                                                                       \
    "--------\n"                                                                                                       \
    ">>> import numpy as np, fastinit\n"                                                                               \
    ">>> fastinit.sigmoid_backward(np.array([2.0, 2.0]), np.array([0.0, 40.0]))\n"                                     \
    "array([5.00000000e-01, 8.49670851e-18])\n"

#define TANH_BACKWARD_DOC                                                                                              \
    "The backward step through a tanh: grad * dtanh(z), in one pass.\n"                                                \
    "\n"                                                                                                               \
    "Parameters\n"                                                                                                     \
    "----------\n"                                                                                                     \
    "grad, z : array_like\n"                                                                                           \
    "    The gradient with respect to the activation, and the pre-activation: float16, float32 or float64; other "     \
    "types are promoted as np.tanh promotes them.\n"                                                                   \
    "out, where, casting, order, dtype, subok : optional\n"                                                            \
    "    As for every ufunc of NumPy's.\n"                                                                             \
    "\n"                                                                                                               \
    "Returns\n"                                                                                                        \
    "-------\n"                                                                                                        \
    "ndarray or scalar\n"                                                                                              \
    "    Of the broadcast shape. NaN gives NaN; no floating-point warning or error is ever raised.\n"                  \
    "\n"                                                                                                               \
    "Notes\n"                                                                                                          \
    "-----\n"                                                                                                          \
    "The derivative is multiplied before it is rounded.\n"                                                             \
    "\n"                                                                                                               \
    "Examples\n"                                                                                                       \
    "--------\n"                                                                                                       \
    ">>> import numpy as np, fastinit\n"                                                                               \
    ">>> fastinit.tanh_backward(np.array([2.0, 2.0]), np.array([0.0, 20.0]))\n"                                        \
    "array([2.0000000e+00, 3.3986834e-17])\n"

#endif
