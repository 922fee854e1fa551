/* The activations as NumPy ufuncs. NumPy brings broadcasting, casting, out=, where= and overlap; a loop here gets one
 * run of aligned, native values at constant steps. The floating-point modes are put aside for the run and its flags
 * with them, so that nothing is ever reported. */
#include "ext.h"

#include <numpy/ufuncobject.h>

#include "ufunc_docs.h"

enum { RUN = 512 }; /* values gathered at a time where the steps are not those of a plain array */

/* What a loop is told: which kernel to look up at the level in use. Not the module's state: a ufunc may outlive it. */
typedef struct {
    fi_activation function;
    fi_dtype dtype;
} loop;
static const fi_dtype DTYPES[] = {FI_F16, FI_F32, FI_F64};
static loop loops[FI_ACTIVATIONS][3];
static void *loop_data[FI_ACTIVATIONS][3];

static const char TYPES[] = {NPY_HALF, NPY_HALF, NPY_FLOAT, NPY_FLOAT, NPY_DOUBLE, NPY_DOUBLE};
static const char BACKWARD_TYPES[] = {NPY_HALF,  NPY_HALF,   NPY_HALF,   NPY_FLOAT, NPY_FLOAT,
                                      NPY_FLOAT, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE};

static void gather(char *out, const char *in, npy_intp step, npy_intp n, npy_intp size) {
    for (npy_intp i = 0; i < n; i++) memcpy(out + i * size, in + i * step, (size_t)size);
}

static void run(const loop *self, char *grad, npy_intp grad_step, char *z, npy_intp z_step, char *out,
                npy_intp out_step, npy_intp n) {
    const npy_intp size = fi_dtypes[self->dtype].item_size;
    fi_activation_kernel *kernel = fi_level->activation[self->function][self->dtype];
    /* reduce and accumulate: what one step puts out is the next one's gradient */
    const int chained = grad && grad_step == out_step && out == grad + grad_step;
    const fi_modes saved = fi_modes_enter();
    if (!chained && z_step == size && out_step == size && (!grad || grad_step == size)) {
        kernel(grad, z, (size_t)n, out);
    } else {
        double values[RUN], grads[RUN]; /* of the widest type */
        char *run_z = (char *)values, *run_grad = (char *)grads;
        for (npy_intp i = 0, m; i < n; i += m) {
            m = chained ? 1 : n - i < RUN ? n - i : RUN;
            gather(run_z, z + i * z_step, z_step, m, size);
            if (grad) gather(run_grad, grad + i * grad_step, grad_step, m, size);
            kernel(grad ? run_grad : NULL, run_z, (size_t)m, run_z);
            for (npy_intp j = 0; j < m; j++) memcpy(out + (i + j) * out_step, run_z + j * size, (size_t)size);
        }
    }
    fi_modes_leave(saved);
}

static void unary_loop(char **args, const npy_intp *dimensions, const npy_intp *steps, void *data) {
    run(data, NULL, 0, args[0], steps[0], args[1], steps[1], dimensions[0]);
}

static void backward_loop(char **args, const npy_intp *dimensions, const npy_intp *steps, void *data) {
    run(data, args[0], steps[0], args[1], steps[1], args[2], steps[2], dimensions[0]);
}

static PyUFuncGenericFunction unary_loops[] = {unary_loop, unary_loop, unary_loop};
static PyUFuncGenericFunction backward_loops[] = {backward_loop, backward_loop, backward_loop};

int fi_add_ufuncs(PyObject *module) {
    static const struct {
        const char *name, *doc;
        fi_activation function;
        int backward;
    } UFUNCS[] = {
        {"sigmoid", SIGMOID_DOC, FI_SIGMOID, 0},
        {"dsigmoid", DSIGMOID_DOC, FI_DSIGMOID, 0},
        {"tanh", TANH_DOC, FI_TANH, 0},
        {"dtanh", DTANH_DOC, FI_DTANH, 0},
        {"sigmoid_backward", SIGMOID_BACKWARD_DOC, FI_DSIGMOID, 1},
        {"tanh_backward", TANH_BACKWARD_DOC, FI_DTANH, 1},
    };
    if (PyUFunc_ImportUFuncAPI() < 0) return -1;
    for (int f = 0; f < FI_ACTIVATIONS; f++)
        for (int i = 0; i < 3; i++) loops[f][i] = (loop){f, DTYPES[i]}, loop_data[f][i] = &loops[f][i];
    for (size_t i = 0; i < sizeof UFUNCS / sizeof *UFUNCS; i++) {
        const int backward = UFUNCS[i].backward;
        PyObject *ufunc = PyUFunc_FromFuncAndData(backward ? backward_loops : unary_loops,
                                                  loop_data[UFUNCS[i].function], backward ? BACKWARD_TYPES : TYPES, 3,
                                                  backward ? 2 : 1, 1, PyUFunc_None, UFUNCS[i].name, UFUNCS[i].doc, 0);
        if (!ufunc) return -1;
        const int failed = PyModule_AddObjectRef(module, UFUNCS[i].name, ufunc);
        Py_DECREF(ufunc);
        if (failed < 0) return -1;
    }
    return 0;
}
