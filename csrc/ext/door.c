/* fill_by: the door of every random fill. One call opens the tensor, finds the distribution, draws a key, fills.
 *
 * It takes what is common: a C-ordered array of NumPy, or a plain tensor of torch through DLPack's exchange; settings
 * that are exactly float, int, str or None; our generators, an int, torch's. All else goes through the careful door,
 * Python's, which gives the same values or says in words why not. The rule, a function of Python, checks settings and
 * computes a law's parameters once: what is prepared from them is kept.
 */
#include "ext.h"

#include <math.h>

enum { STATE, DRAWN, GENERATOR, IS_NEG, REQUIRES_GRAD, UNTYPED_STORAGE, STORAGE_OFFSET };
static const char *const names[FI_NAMES] = {
    [STATE] = "_state",
    [DRAWN] = "drawn",
    [GENERATOR] = "generator",
    [IS_NEG] = "is_neg",
    [REQUIRES_GRAD] = "requires_grad",
    [UNTYPED_STORAGE] = "untyped_storage",
    [STORAGE_OFFSET] = "storage_offset",
};

typedef struct {
    void *data;
    uint64_t count;
    fi_dtype dtype;
    int of_torch, ndim;
    int64_t shape[FI_PLAN_AXES];
} target;

/* What follows gives 1: yes; 0: leave it to the careful door; -1: an exception is set. */

/* A dtype that another package adds to NumPy, known by its name. */
static int is_bfloat16(PyArrayObject *array) {
    if (PyArray_TYPE(array) < NPY_USERDEF || PyArray_ITEMSIZE(array) != 2) return 0;
    PyObject *name = PyObject_GetAttrString((PyObject *)PyArray_DESCR(array)->typeobj, "__name__");
    const int found = name && PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, "bfloat16") == 0;
    Py_XDECREF(name);
    PyErr_Clear();
    return found;
}

static int open_array(PyArrayObject *array, target *to) {
    const int ndim = PyArray_NDIM(array);
    if (!PyArray_ISCARRAY(array) || ndim > FI_PLAN_AXES) return 0;
    switch (PyArray_TYPE(array)) {
    case NPY_HALF: to->dtype = FI_F16; break;
    case NPY_FLOAT: to->dtype = FI_F32; break;
    case NPY_DOUBLE: to->dtype = FI_F64; break;
    default:
        if (!is_bfloat16(array)) return 0;
        to->dtype = FI_BF16;
    }
    to->data = PyArray_DATA(array), to->count = (uint64_t)PyArray_SIZE(array), to->of_torch = 0, to->ndim = ndim;
    for (int d = 0; d < ndim; d++) to->shape[d] = PyArray_DIM(array, d);
    return 1;
}

/* Whether the memory is one run of values on the CPU. */
static int open_memory(const dlpack_tensor *tensor, target *to) {
    const int bits = tensor->dtype.bits, code = tensor->dtype.code;
    if (tensor->device.type != DLPACK_CPU || tensor->dtype.lanes != 1 || tensor->ndim > FI_PLAN_AXES) return 0;
    if (code == DLPACK_BFLOAT && bits == 16)
        to->dtype = FI_BF16;
    else if (code == DLPACK_FLOAT && (bits == 16 || bits == 32 || bits == 64))
        to->dtype = bits == 16 ? FI_F16 : bits == 32 ? FI_F32 : FI_F64;
    else
        return 0;
    int64_t count = 1;
    for (int d = tensor->ndim - 1; d >= 0; d--) {
        if (tensor->shape[d] != 1 && tensor->strides[d] != count) return 0;
        to->shape[d] = tensor->shape[d], count *= tensor->shape[d];
    }
    if (!tensor->data || (uintptr_t)tensor->data % (uintptr_t)(bits / 8)) return 0;
    to->data = (char *)tensor->data + tensor->byte_offset, to->count = (uint64_t)count;
    to->of_torch = 1, to->ndim = tensor->ndim;
    return 1;
}

/* The truth of an answer, which it takes over; what goes wrong is as if it were `otherwise`. */
static int truth_of(PyObject *answer, int otherwise) {
    const int truth = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    if (truth < 0) PyErr_Clear();
    return truth < 0 ? otherwise : truth;
}

static int says(const fi_state *state, PyObject *tensor, int method) {
    return truth_of(PyObject_CallMethodObjArgs(tensor, state->names[method], NULL), 1);
}

/* Whether a storage, which anyone may resize, still holds all of its tensor. */
static int is_whole(const fi_state *state, PyObject *tensor, const target *to) {
    PyObject *storage = PyObject_CallMethodObjArgs(tensor, state->names[UNTYPED_STORAGE], NULL);
    PyObject *offset = storage ? PyObject_CallMethodObjArgs(tensor, state->names[STORAGE_OFFSET], NULL) : NULL;
    const int64_t room = offset ? (int64_t)PyObject_Size(storage) / fi_dtypes[to->dtype].item_size : 0;
    const int64_t begin = offset ? PyLong_AsLongLong(offset) : 0;
    Py_XDECREF(storage), Py_XDECREF(offset);
    PyErr_Clear();
    return begin >= 0 && begin + (int64_t)to->count <= room;
}

/* A tensor of torch's own two classes. A mode of torch's is to hear of the fill, and the careful door's calls tell it;
 * a tensor that is no Parameter but requires a gradient may be one that is computed anew. */
static int open_tensor(const fi_state *state, PyObject *tensor, target *to) {
    PyObject *const *door = state->door, *type = (PyObject *)Py_TYPE(tensor);
    if (!state->exchange || (type != door[FI_TENSOR] && type != door[FI_PARAMETER])) return 0;
    if (truth_of(PyObject_CallNoArgs(door[FI_FUNCTION_MODES]), 1) ||
        truth_of(PyObject_CallNoArgs(door[FI_DISPATCH_MODES]), 1))
        return 0;
    dlpack_tensor memory;
    if (state->exchange->borrow(tensor, &memory)) {
        PyErr_Clear();
        return 0;
    }
    if (!open_memory(&memory, to) || !is_whole(state, tensor, to) || says(state, tensor, IS_NEG)) return 0;
    return type == door[FI_PARAMETER] || !truth_of(PyObject_GetAttr(tensor, state->names[REQUIRES_GRAD]), 1);
}

static int open_target(const fi_state *state, PyObject *tensor, target *to) {
    const int opened =
        PyArray_CheckExact(tensor) ? open_array((PyArrayObject *)tensor, to) : open_tensor(state, tensor, to);
    return opened && to->count > 0;
}

/* What a plan is kept under, as words: equal numbers of different types, and zeros of different signs, may mean
 * different things. 0: a setting is of another kind. Strings and the rule count as themselves: kept plans hold them. */
static int plan_key(PyObject *rule, const target *to, PyObject *const *settings, Py_ssize_t n, fi_plan_key *key) {
    uint64_t kinds = (uint64_t)to->dtype;
    uint64_t *word = key->words + 2;
    for (int d = 0; d < to->ndim; d++) *word++ = (uint64_t)to->shape[d];
    for (Py_ssize_t i = 0; i < n; i++, word++) {
        PyObject *setting = settings[i];
        int beyond = 0;
        kinds <<= 2;
        if (PyFloat_CheckExact(setting)) {
            const double x = PyFloat_AsDouble(setting);
            memcpy(word, &x, sizeof x), kinds |= 1;
        } else if (PyLong_CheckExact(setting)) {
            *word = (uint64_t)PyLong_AsLongLongAndOverflow(setting, &beyond), kinds |= 2;
        } else {
            *word = (uint64_t)(uintptr_t)setting;
            beyond = setting != Py_None && !PyUnicode_CheckExact(setting);
        }
        if (beyond) return 0;
    }
    key->words[0] = (uint64_t)(uintptr_t)rule, key->words[1] = kinds;
    key->count = (int)(word - key->words);
    return 1;
}

/* Where a plan belongs: each place is any one's of many. */
static fi_plan *place_of(const fi_state *state, const fi_plan_key *key) {
    uint64_t hash = 0;
    for (int i = 0; i < key->count; i++) hash = (hash ^ key->words[i]) * 0x9e3779b97f4a7c15u;
    return &state->plans[hash >> (64 - FI_PLAN_BITS)];
}

/* The rule itself: (dtype, shape, is_complex, *settings) -> a law and its parameters, or an exception in words. */
static PyObject *ask_rule(const fi_state *state, PyObject *rule, const target *to, PyObject *const *settings,
                          Py_ssize_t n) {
    PyObject *shape = PyTuple_New(to->ndim), *arguments = PyTuple_New(3 + n);
    for (int d = 0; shape && d < to->ndim; d++) PyTuple_SetItem(shape, d, PyLong_FromLongLong(to->shape[d]));
    if (!shape || !arguments) {
        Py_XDECREF(shape), Py_XDECREF(arguments);
        return NULL;
    }
    PyTuple_SetItem(arguments, 0, Py_NewRef(state->dtypes[to->dtype]));
    PyTuple_SetItem(arguments, 1, shape);
    PyTuple_SetItem(arguments, 2, Py_NewRef(Py_False));
    for (Py_ssize_t i = 0; i < n; i++) PyTuple_SetItem(arguments, 3 + i, Py_NewRef(settings[i]));
    PyObject *plan = PyObject_CallObject(rule, arguments);
    Py_DECREF(arguments);
    return plan;
}

#ifdef Py_GIL_DISABLED
static PyMutex at_plans;
#define LOCK_PLANS() PyMutex_Lock(&at_plans)
#define UNLOCK_PLANS() PyMutex_Unlock(&at_plans)
#else
#define LOCK_PLANS()
#define UNLOCK_PLANS()
#endif

static int look_up(const fi_plan *place, const fi_plan_key *key, fi_distribution *dist) {
    LOCK_PLANS();
    const int found = place->key.count == key->count &&
                      memcmp(place->key.words, key->words, (size_t)key->count * sizeof *key->words) == 0;
    if (found) *dist = place->dist;
    UNLOCK_PLANS();
    return found;
}

/* Strings are told from others by their address, so a plan holds its settings and its rule. */
static int keep(fi_plan *place, const fi_plan_key *key, PyObject *rule, PyObject *const *settings, Py_ssize_t n,
                const fi_distribution *dist) {
    PyObject *held = PyTuple_New(1 + n);
    if (!held) return -1;
    PyTuple_SetItem(held, 0, Py_NewRef(rule));
    for (Py_ssize_t i = 0; i < n; i++) PyTuple_SetItem(held, 1 + i, Py_NewRef(settings[i]));
    LOCK_PLANS();
    PyObject *before = place->held;
    *place = (fi_plan){*key, held, *dist};
    UNLOCK_PLANS();
    Py_XDECREF(before);
    return 0;
}

static int find_distribution(const fi_state *state, PyObject *rule, const target *to, PyObject *const *settings,
                             Py_ssize_t n, fi_distribution *dist) {
    fi_plan_key key;
    if (!plan_key(rule, to, settings, n, &key)) return 0;
    fi_plan *place = place_of(state, &key);
    if (look_up(place, &key, dist)) return 1;
    PyObject *plan = ask_rule(state, rule, to, settings, n);
    const int failed =
        !plan || fi_distribution_of(plan, to->dtype, dist) < 0 || keep(place, &key, rule, settings, n, dist) < 0;
    Py_XDECREF(plan);
    return failed ? -1 : 1;
}

/* A number of torch's, from its default generator or the one given. This thread's own scalar is a pair: the method that
 * draws into it, and its address. */
static int draw_of_torch(const fi_state *state, PyObject *generator, fi_key *key) {
    PyObject *drawn = NULL, *scalar = PyObject_GetAttr(state->door[FI_SCALAR], state->names[DRAWN]);
    if (!scalar) return -1;
    PyObject *method = PyTuple_GetItem(scalar, 0), *address = method ? PyTuple_GetItem(scalar, 1) : NULL;
    if (address && generator == Py_None) {
        drawn = PyObject_CallNoArgs(method);
    } else if (address) {
        PyObject *none = PyTuple_New(0), *named = PyDict_New();
        if (none && named && PyDict_SetItem(named, state->names[GENERATOR], generator) == 0)
            drawn = PyObject_Call(method, none, named);
        Py_XDECREF(none), Py_XDECREF(named);
    }
    const void *number = drawn ? PyLong_AsVoidPtr(address) : NULL;
    if (number) memcpy(&key->seed, number, sizeof key->seed), key->stream = 0;
    Py_XDECREF(drawn), Py_DECREF(scalar);
    return number ? 1 : -1;
}

static int draw(const fi_state *state, PyObject *generator, int of_torch, fi_key *key) {
    PyObject *const *door = state->door, *type = (PyObject *)Py_TYPE(generator);
    if (generator == Py_None && of_torch) return draw_of_torch(state, generator, key);
    if (generator == Py_None) generator = door[FI_DEFAULT_GENERATOR], type = door[FI_GENERATOR];
    if (type == door[FI_GENERATOR]) {
        PyObject *owned = PyObject_GetAttr(generator, state->names[STATE]);
        const int taken = owned ? fi_take(owned, key) : -1;
        Py_XDECREF(owned);
        return taken < 0 ? -1 : 1;
    }
    if (PyLong_CheckExact(generator)) {
        int beyond;
        const long long number = PyLong_AsLongLongAndOverflow(generator, &beyond);
        *key = (fi_key){beyond > 0 ? PyLong_AsUnsignedLongLong(generator) : (uint64_t)number, 0};
        const int failed = beyond < 0 || PyErr_Occurred() != NULL;
        PyErr_Clear();
        return !failed;
    }
    if (!state->exchange || type != door[FI_TORCH_GENERATOR]) return 0;
    const int drawn = draw_of_torch(state, generator, key);
    if (drawn > 0 || !PyErr_ExceptionMatches(PyExc_RuntimeError)) return drawn;
    PyErr_Clear(); /* a generator of another device's */
    return 0;
}

/* Fill what was opened. Of a large tensor the memory is held, as the GIL is let go of for long. */
static int fill_opened(const fi_state *state, PyObject *tensor, const target *to, const fi_distribution *dist,
                       fi_key key) {
    dlpack_owned *held = NULL;
    if (to->of_torch && to->count > FI_SMALL_FILL) {
        target now;
        if (state->exchange->own(tensor, &held)) return -1;
        if (!open_memory(&held->tensor, &now) || now.data != to->data || now.count != to->count) {
            if (held->deleter) held->deleter(held);
            PyErr_SetString(PyExc_RuntimeError, "tensor was changed by another thread while it was to be filled");
            return -1;
        }
    }
    const int result = fi_fill_run(state, dist, key, to->dtype, to->data, to->count);
    if (held && held->deleter) held->deleter(held);
    if (result < 0 || !to->of_torch) return result;
    PyObject *tensors = PyTuple_Pack(1, tensor), *done = NULL;
    if (tensors) done = PyObject_CallFunctionObjArgs(state->door[FI_INCREMENT_VERSION], tensors, NULL);
    Py_XDECREF(tensors), Py_XDECREF(done);
    if (done) return 0;
    if (!PyErr_ExceptionMatches(PyExc_RuntimeError)) return -1;
    PyErr_Clear(); /* an inference tensor, which has no version */
    return 0;
}

PyObject *fi_py_fill_by(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    const fi_state *state = fi_state_of(module);
    if (count < 5 || count > 5 + FI_PLAN_SETTINGS) {
        PyErr_SetString(PyExc_TypeError, "fill_by takes a rule, tensor, generator, global_shape, offset and settings");
        return NULL;
    }
    if (!state->door[FI_CAREFUL]) {
        PyErr_SetString(PyExc_RuntimeError, "open_door was not called");
        return NULL;
    }
    PyObject *rule = args[0], *tensor = args[1], *generator = args[2];
    target to;
    fi_distribution dist;
    fi_key key;
    int filled = args[3] == Py_None && args[4] == Py_None && open_target(state, tensor, &to);
    if (filled > 0) filled = find_distribution(state, rule, &to, args + 5, count - 5, &dist);
    if (filled > 0) filled = draw(state, generator, to.of_torch, &key);
    if (filled > 0) filled = fill_opened(state, tensor, &to, &dist, key) < 0 ? -1 : 1;
    if (filled) return filled < 0 ? NULL : Py_NewRef(tensor);
    PyObject *all = PyTuple_New(count);
    for (Py_ssize_t i = 0; all && i < count; i++) PyTuple_SetItem(all, i, Py_NewRef(args[i]));
    PyObject *result = all ? PyObject_CallObject(state->door[FI_CAREFUL], all) : NULL;
    Py_XDECREF(all);
    return result;
}

/* ---- what the door is given ---- */

static void put(fi_state *state, int at, PyObject *object) {
    PyObject *before = state->door[at];
    state->door[at] = Py_NewRef(object);
    Py_XDECREF(before);
}

PyObject *fi_py_open_door(PyObject *module, PyObject *args) {
    fi_state *state = fi_state_of(module);
    PyObject *careful, *type, *generator;
    if (!PyArg_ParseTuple(args, "OO!O", &careful, &PyType_Type, &type, &generator)) return NULL;
    for (int i = 0; i < FI_NAMES; i++)
        if (!state->names[i] && !(state->names[i] = PyUnicode_InternFromString(names[i]))) return NULL;
    if (!state->plans && !(state->plans = calloc(1 << FI_PLAN_BITS, sizeof *state->plans))) return PyErr_NoMemory();
    put(state, FI_CAREFUL, careful), put(state, FI_GENERATOR, type), put(state, FI_DEFAULT_GENERATOR, generator);
    Py_RETURN_NONE;
}

PyObject *fi_py_open_torch_door(PyObject *module, PyObject *args) {
    fi_state *state = fi_state_of(module);
    PyObject *capsule, *given[FI_DOOR_OBJECTS];
    if (!PyArg_ParseTuple(args, "OOOOOOOO", &capsule, &given[FI_TENSOR], &given[FI_PARAMETER],
                          &given[FI_TORCH_GENERATOR], &given[FI_SCALAR], &given[FI_FUNCTION_MODES],
                          &given[FI_DISPATCH_MODES], &given[FI_INCREMENT_VERSION]))
        return NULL;
    const dlpack_exchange *exchange = PyCapsule_GetPointer(capsule, "dlpack_exchange_api");
    if (!exchange) return NULL;
    while (exchange && exchange->version.major != DLPACK_MAJOR) exchange = exchange->older;
    if (!exchange || !exchange->borrow) Py_RETURN_FALSE; /* the careful door it is */
    if (state->exchange) Py_RETURN_TRUE;                 /* other threads may be on their way through */
    for (int i = FI_TENSOR; i < FI_DOOR_OBJECTS; i++) put(state, i, given[i]);
    state->exchange = exchange;
    Py_RETURN_TRUE;
}

int fi_visit_door(fi_state *state, visitproc visit, void *arg) {
    for (int i = 0; i < FI_DOOR_OBJECTS; i++) Py_VISIT(state->door[i]);
    for (int i = 0; state->plans && i < 1 << FI_PLAN_BITS; i++) Py_VISIT(state->plans[i].held);
    return 0;
}

void fi_forget_door(fi_state *state) {
    state->exchange = NULL;
    for (int i = 0; state->plans && i < 1 << FI_PLAN_BITS; i++) {
        state->plans[i].key.count = 0;
        Py_CLEAR(state->plans[i].held);
    }
    for (int i = 0; i < FI_DOOR_OBJECTS; i++) Py_CLEAR(state->door[i]);
}
