/* The module wengert._native: the type Value, and what surrounds it. */

#include "lanes.h"
#include "node.h"
#define ROWS_DOCS
#include "rows.h"

PyTypeObject *value_type;
Python python;

/* --- what a node holds ------------------------------------------------------------------------- */

/* The double that a user means; false with an exception set that names the place. */
bool number_of(PyObject *given, const char *where, double *number)
{
    if (PyFloat_CheckExact(given)) {
        *number = PyFloat_AS_DOUBLE(given);
        return true;
    }
    PyObject *checked = PyObject_CallFunction(python.checked_number, "Os", given, where);
    if (checked == NULL)
        return false;
    double result = PyFloat_AsDouble(checked);
    Py_DECREF(checked);
    if (result == -1.0 && PyErr_Occurred())
        return false;
    *number = result;
    return true;
}

static int cannot_delete(const char *name)
{
    PyErr_Format(PyExc_AttributeError, "property '%s' of 'Value' object has no deleter", name);
    return -1;
}

static PyObject *get_data(PyObject *self, void *unused)
{
    (void)unused;
    return PyFloat_FromDouble(((Node *)self)->data);
}

static int set_data(PyObject *self, PyObject *given, void *unused)
{
    (void)unused;
    if (given == NULL)
        return cannot_delete("data");
    return number_of(given, "data", &((Node *)self)->data) ? 0 : -1;
}

static PyObject *get_grad(PyObject *self, void *unused)
{
    (void)unused;
    return PyFloat_FromDouble(((Node *)self)->grad);
}

static int set_grad(PyObject *self, PyObject *given, void *unused)
{
    (void)unused;
    if (given == NULL)
        return cannot_delete("grad");
    return number_of(given, "grad", &((Node *)self)->grad) ? 0 : -1;
}

static PyObject *get_operands(PyObject *self, void *unused)
{
    (void)unused;
    Node *node = (Node *)self;
    Node *const *operands = operands_of(node);
    Py_ssize_t count = arity_of(node);
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t k = 0; tuple != NULL && k < count; k++)
        PyTuple_SET_ITEM(tuple, k, Py_NewRef((PyObject *)operands[k]));
    return tuple;
}

static int refuse_operands(PyObject *self, PyObject *operands, void *unused)
{
    (void)self;
    (void)unused;
    PyErr_Format(PyExc_AttributeError, "property 'operands' of 'Value' object has no %s",
                 operands == NULL ? "deleter" : "setter");
    return -1;
}

static int put_operands(PyObject *self, PyObject *operands, void *unused)
{
    (void)unused;
    if (operands == NULL)
        return cannot_delete("_operands");
    return set_operands((Node *)self, operands) ? 0 : -1;
}

static PyObject *get_row(PyObject *self, void *unused)
{
    (void)unused;
    return row_of((Node *)self);
}

static int put_row(PyObject *self, PyObject *row, void *unused)
{
    (void)unused;
    if (row == NULL)
        return cannot_delete("_row");
    return set_row((Node *)self, row) ? 0 : -1;
}

static PyObject *get_notes(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *notes = notes_of((Node *)self);
    return Py_NewRef(notes == NULL ? Py_None : notes);
}

static int put_notes(PyObject *self, PyObject *notes, void *unused)
{
    (void)unused;
    if (notes == NULL)
        return cannot_delete("_notes");
    return set_notes((Node *)self, notes == Py_None ? NULL : notes) ? 0 : -1;
}

static PyGetSetDef attributes[] = {
    {"data", get_data, set_data, "The number.", NULL},
    {"grad", get_grad, set_grad, "The derivative of the last root with respect to this node.", NULL},
    {"operands", get_operands, refuse_operands,
     "The Values this one was computed from, in order; `a * a` has a twice.", NULL},
    {"_data", get_data, set_data, NULL, NULL},
    {"_grad", get_grad, set_grad, NULL, NULL},
    {"_operands", get_operands, put_operands, NULL, NULL},
    {"_row", get_row, put_row, NULL, NULL},
    {"_notes", get_notes, put_notes, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* --- making leaves ----------------------------------------------------------------------------- */

/* Value(2.0) */
static PyObject *value_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf,
                                  PyObject *keywords)
{
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (LIKELY(count == 1 && keywords == NULL && PyFloat_CheckExact(args[0])))
        return (PyObject *)leaf(PyFloat_AS_DOUBLE(args[0]));
    PyObject *positional = PyTuple_New(count), *named = NULL, *node = NULL;
    if (positional == NULL)
        return NULL;
    for (Py_ssize_t k = 0; k < count; k++)
        PyTuple_SET_ITEM(positional, k, Py_NewRef(args[k]));
    if (keywords != NULL) {
        named = PyDict_New();
        for (Py_ssize_t k = 0; named != NULL && k < PyTuple_GET_SIZE(keywords); k++)
            if (PyDict_SetItem(named, PyTuple_GET_ITEM(keywords, k), args[count + k]) < 0)
                Py_CLEAR(named);
        if (named == NULL) {
            Py_DECREF(positional);
            return NULL;
        }
    }
    node = value_alloc((PyTypeObject *)type, 0);
    if (node != NULL && Py_TYPE(node)->tp_init(node, positional, named) < 0)
        Py_CLEAR(node);
    Py_DECREF(positional);
    Py_XDECREF(named);
    return node;
}

static PyObject *value_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    (void)args;
    (void)keywords;
    Node *node = new_node(type);
    if (node != NULL && type != value_type)
        node->state |= COLLECTED; /* by Python, as every instance of a class with a __dict__ */
    return (PyObject *)node;
}

/* The constructor is that of the class Node; here is what C must know of afterwards. */
static int value_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *with_self = PyTuple_New(count + 1), *done = NULL;
    if (with_self == NULL)
        return -1;
    PyTuple_SET_ITEM(with_self, 0, Py_NewRef(self));
    for (Py_ssize_t k = 0; k < count; k++)
        PyTuple_SET_ITEM(with_self, k + 1, Py_NewRef(PyTuple_GET_ITEM(args, k)));
    done = PyObject_Call(python.node_init, with_self, keywords);
    Py_DECREF(with_self);
    if (done == NULL)
        return -1;
    Py_DECREF(done);
    return watch_own((Node *)self) ? 0 : -1;
}

/* A node without notes, for copies.py; what `object.__new__` is to the plain engine. */
static PyObject *value_blank(PyObject *type, PyObject *unused)
{
    (void)unused;
    return value_new((PyTypeObject *)type, NULL, NULL);
}

/* --- as a Python object ------------------------------------------------------------------------ */

static PyObject *value_repr(PyObject *self)
{
    PyObject *number = PyFloat_FromDouble(((Node *)self)->data);
    if (number == NULL)
        return NULL;
    PyObject *text = PyUnicode_FromFormat("Value(data=%R)", number);
    Py_DECREF(number);
    return text;
}

static Py_hash_t value_hash(PyObject *self)
{
    return PyBaseObject_Type.tp_hash(self);
}

static PyObject *value_compare(PyObject *self, PyObject *other, int how)
{
    double x = ((Node *)self)->data, y;
    if (is_value(other))
        y = ((Node *)other)->data;
    else if (PyFloat_CheckExact(other))
        y = PyFloat_AS_DOUBLE(other);
    else
        goto rarely;
    switch (how) {
    case Py_LT:
        return PyBool_FromLong(x < y);
    case Py_LE:
        return PyBool_FromLong(x <= y);
    case Py_GT:
        return PyBool_FromLong(x > y);
    case Py_GE:
        return PyBool_FromLong(x >= y);
    case Py_EQ:
        return PyBool_FromLong(x == y);
    default:
        return PyBool_FromLong(x != y);
    }
rarely:
    return PyObject_CallFunction(python.compared, "OOi", self, other, how);
}

static PyMethodDef own_methods[] = {
    {"backward", value_backward, METH_NOARGS, doc_backward},
    {"forward", value_forward, METH_NOARGS, doc_forward},
    {"zero_grad", value_zero_grad, METH_NOARGS, doc_zero_grad},
    {"_apply", (PyCFunction)(void (*)(void))value_apply, METH_FASTCALL, NULL},
    {"_reduce", (PyCFunction)(void (*)(void))value_reduce, METH_FASTCALL, NULL},
    {"_dot", (PyCFunction)(void (*)(void))value_dot, METH_FASTCALL, NULL},
    {"_blank", value_blank, METH_NOARGS | METH_CLASS, NULL},
};

static const PyType_Slot object_slots[] = {
    {Py_tp_doc, (char *)doc_Value},
    {Py_tp_new, value_new},
    {Py_tp_alloc, value_alloc},
    {Py_tp_init, value_init},
    {Py_tp_dealloc, value_dealloc},
    {Py_tp_traverse, value_traverse},
    {Py_tp_clear, value_clear},
    {Py_tp_repr, value_repr},
    {Py_tp_hash, value_hash},
    {Py_tp_richcompare, value_compare},
    {Py_tp_getset, attributes},
};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Node, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

/* The type, made from the parts that several files contribute. */
static bool make_type(PyObject *node_class)
{
    enum { OWN = sizeof own_methods / sizeof *own_methods,
           OBJECT = sizeof object_slots / sizeof *object_slots };
    static PyMethodDef methods[OWN + 256];
    static PyType_Slot slots[OBJECT + 32];
    int count = 0, used = 0;
    for (; count < OWN; count++)
        methods[count] = own_methods[count];
    for (PyMethodDef *method = row_methods; method->ml_name != NULL && count < OWN + 255; method++)
        methods[count++] = *method;
    for (; used < OBJECT; used++)
        slots[used] = object_slots[used];
    for (PyType_Slot *slot = operator_slots; slot->slot != 0; slot++)
        slots[used++] = *slot;
    slots[used++] = (PyType_Slot){Py_tp_methods, methods};
    slots[used++] = (PyType_Slot){Py_tp_members, members};

    PyType_Spec spec = {
        .name = "wengert.value.Value",
        .basicsize = sizeof(Node),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    PyObject *bases = PyTuple_Pack(1, node_class);
    if (bases == NULL)
        return false;
    value_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, bases);
    Py_DECREF(bases);
    if (value_type == NULL)
        return false;
    value_type->tp_vectorcall = value_vectorcall;
    value_type->tp_name = "Value"; /* as error messages have it for a class written in Python */
    return true;
}

/* --- the module -------------------------------------------------------------------------------- */

/* Called by ambient.py when `scope` or `debug_nans` is entered for the first time: until then, no
 * operation looks at what surrounds it. */
static PyObject *mind_surroundings(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    surroundings_matter = true;
    Py_RETURN_NONE;
}

/* A method that calls rows on Values, and `original` for all else. */
static PyObject *faster_call(PyObject *module, PyObject *original)
{
    static PyMethodDef definition = {"__call__", (PyCFunction)(void (*)(void))call_primitive,
                                     METH_FASTCALL | METH_KEYWORDS,
                                     "The value at the operands: floats, arrays, or anything that "
                                     "stands for a number."};
    (void)module;
    PyObject *function = PyCFunction_New(&definition, original);
    PyObject *method = function == NULL ? NULL : PyInstanceMethod_New(function);
    Py_XDECREF(function);
    return method;
}

/* For gc.callbacks: after a full collection, memory goes back that was not needed since the last. */
static PyObject *after_collection(PyObject *module, PyObject *args)
{
    (void)module;
    const char *phase;
    PyObject *info;
    if (!PyArg_ParseTuple(args, "sO!", &phase, &PyDict_Type, &info))
        return NULL;
    PyObject *generation = PyDict_GetItemString(info, "generation");
    if (strcmp(phase, "stop") == 0 && generation != NULL && PyLong_AsLong(generation) == 2)
        trim_slabs();
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* How many slabs of memory are held. */
static PyObject *count_slabs(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromSsize_t(slab_count());
}

static PyMethodDef functions[] = {
    {"mind_surroundings", mind_surroundings, METH_NOARGS, NULL},
    {"topological_order", (PyCFunction)(void (*)(void))topological_order, METH_FASTCALL,
     "Every native Value that the roots depend on, as wengert.graph.topological_order has it."},
    {"faster_call", faster_call, METH_O, NULL},
    {"recorder", (PyCFunction)(void (*)(void))make_recorder, METH_FASTCALL,
     "The types Tape and Tracer, on the parts of wengert.program that they share with the plain ones."},
    {"after_collection", after_collection, METH_VARARGS, NULL},
    {"number_values", number_values, METH_VARARGS,
     "Value numbering of a straight list, as wengert.program.numbering.numbered_plain has it."},
    {"machine", machine_of, METH_VARARGS, "Instructions made ready, for wengert.run.machine."},
    {"run_machine", run_machine, METH_VARARGS, "Runs them in a memory."},
    {"run_blocks", run_blocks, METH_VARARGS, "Runs them for many examples, for wengert.run.blocks."},
    {"short_call", short_call, METH_VARARGS, "For wengert.run.short_call."},
    {"slab_count", count_slabs, METH_NOARGS, "How many slabs of 1 MB hold the nodes."},
    {"make_quickly", make_quickly, METH_VARARGS, "For wengert.program.quick."},
    {"extent", (PyCFunction)(void (*)(void))extent, METH_FASTCALL,
     "The twin of wengert.program.extents.extent_plain."},
    {"fold", fold, METH_VARARGS, "The twin of wengert.program.fold.fold_plain."},
    {"kinds_of", kinds_of, METH_VARARGS, "The twin of wengert.program.stretch.kinds_of_plain."},
    {"hashes_of", hashes_of, METH_VARARGS, "The twin of wengert.program.stretch.hashes_of_plain."},
    {"solvable", solvable, METH_VARARGS, "The twin of wengert.program.equation.solvable_plain."},
    {"strides_of", strides_of, METH_VARARGS, "The twin of wengert.program.moves.strides_plain."},
    {"moves_of", moves_of, METH_VARARGS, "The twin of wengert.program.moves.moves_plain."},
    {"ordered", ordered, METH_VARARGS, "The twin of wengert.program.shapes.ordered_plain."},
    {"reversed_columns", reversed_columns, METH_VARARGS,
     "The twin of wengert.derive.columns.reversed_plain."},
    {"tangents_of_columns", tangents_of_columns, METH_VARARGS,
     "The twin of wengert.derive.columns.tangents_plain."},
    {"changes_of", changes_of, METH_VARARGS, "The twin of wengert.program.stretch.changes_plain."},
    {"columns_of", columns_of, METH_VARARGS, "The twin of wengert.program.shapes.columns_plain."},
    {"dependences", dependences, METH_VARARGS, "The twin of wengert.derive.reach.dependences_plain."},
    {"interactions", interactions, METH_VARARGS,
     "The twin of wengert.derive.reach.interactions_plain."},
    {"transposed", transposed, METH_VARARGS, "The twin of wengert.derive.pattern.transposed_plain."},
    {"color_columns", color_columns, METH_VARARGS,
     "The twin of wengert.derive.greedy.color_columns_plain."},
    {"color_stars", color_stars, METH_VARARGS,
     "The twin of wengert.derive.greedy.color_stars_plain."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "wengert._native",
    .m_doc = "The native twin of wengert.plain.",
    .m_size = -1, /* one per process: nodes share memory and the numbers of traversals */
    .m_methods = functions,
};

/* A name of a module, kept for ever. */
static bool load(const char *module_name, const char *name, PyObject **into)
{
    PyObject *module = PyImport_ImportModule(module_name);
    *into = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    Py_XDECREF(module);
    return *into != NULL;
}

/* The collector's head must be as large as slabs.c leaves room for. */
static bool head_fits(void)
{
    PyObject *getsizeof = NULL, *list = PyList_New(0), *size = NULL, *own = NULL;
    bool fits = false;
    if (list != NULL && load("sys", "getsizeof", &getsizeof)) {
        size = PyObject_CallOneArg(getsizeof, list);
        own = PyObject_CallMethod(list, "__sizeof__", NULL);
        if (size != NULL && own != NULL)
            fits = PyLong_AsSsize_t(size) - PyLong_AsSsize_t(own) == COLLECTOR_HEAD;
    }
    Py_XDECREF(getsizeof);
    Py_XDECREF(list);
    Py_XDECREF(size);
    Py_XDECREF(own);
    if (!fits && !PyErr_Occurred())
        PyErr_SetString(PyExc_ImportError,
                        "wengert._native does not know the object layout of this Python");
    return fits;
}

static bool load_python(void)
{
    static const char node[] = "wengert.node", rule[] = "wengert.chain_rule";
    PyObject *primitives = PyImport_ImportModule("wengert.primitives");
    PyObject *node_class = NULL, *operand_class = NULL;
    bool done = primitives != NULL && load("wengert.operand", "Operand", &operand_class) &&
                load(node, "Node", &node_class) && load(node, "surround", &python.surround) &&
                load(node, "checked_number", &python.checked_number) &&
                load(node, "compared_as", &python.compared) && load(rule, "push", &python.push) &&
                load(rule, "push_finite", &python.push_finite) &&
                load(rule, "made_non_finite", &python.made_non_finite) &&
                load("wengert.ambient", "AMBIENT", &python.ambient) &&
                load("wengert.errors", "GraphError", &python.graph_error) &&
                load("wengert.errors", "OperandError", &python.operand_error) &&
                load("wengert.errors", "ProgramError", &python.program_error);
    if (done) {
        python.node_init = PyObject_GetAttrString(node_class, "__init__");
        load_lane_loops();
        done = python.node_init != NULL && load_rows(primitives) &&
               load_operators(operand_class) && make_type(node_class);
    }
    Py_XDECREF(primitives);
    Py_XDECREF(node_class);
    Py_XDECREF(operand_class);
    return done;
}

PyMODINIT_FUNC PyInit__native(void)
{
#ifdef Py_GIL_DISABLED
    PyErr_SetString(PyExc_ImportError,
                    "wengert._native needs the global interpreter lock; on free-threaded Python, "
                    "Wengert uses its plain engine");
    return NULL;
#endif
    if (!head_fits() || (value_type == NULL && !load_python()) || !ready_short_calls())
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddObjectRef(module, "Value", (PyObject *)value_type) < 0 ||
        PyModule_AddIntConstant(module, "table_fingerprint", (long)TABLE_FINGERPRINT) < 0) {
        Py_XDECREF(module);
        return NULL;
    }
    return module;
}
