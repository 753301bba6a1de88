/* Walking whole graphs: their order, backward, forward and zero_grad, without recursion.
 *
 * A walk needs eight bytes per node: a node is either on the path from the root, or in the order.
 * Both are stacks of chunks, and the chunks the path is done with serve the order. */

#include "node.h"
#include "rows.h"

int sweeps;

/* --- stacks ------------------------------------------------------------------------------------ */

enum { CHUNK_ITEMS = 4094, SPARE_CHUNKS = 64 };

typedef struct Chunk {
    struct Chunk *below;
    union {
        uintptr_t word;
        double number;
    } items[CHUNK_ITEMS];
} Chunk;

typedef struct {
    Chunk *top;
    int count; /* in the top chunk; those below are full */
} Stack;

static Chunk *spare;
static int spares;

static bool add_chunk(Stack *stack)
{
    Chunk *chunk = spare;
    if (chunk != NULL) {
        spare = chunk->below;
        spares--;
    } else {
        chunk = PyMem_Malloc(sizeof(Chunk));
        if (chunk == NULL)
            return false;
    }
    chunk->below = stack->top;
    stack->top = chunk;
    stack->count = 0;
    return true;
}

static void drop_chunk(Stack *stack)
{
    Chunk *chunk = stack->top;
    stack->top = chunk->below;
    stack->count = CHUNK_ITEMS;
    if (spares < SPARE_CHUNKS) {
        chunk->below = spare;
        spare = chunk;
        spares++;
    } else {
        PyMem_Free(chunk);
    }
}

static void empty(Stack *stack)
{
    while (stack->top != NULL)
        drop_chunk(stack);
}

static inline bool has_room(Stack *stack)
{
    return LIKELY(stack->top != NULL && stack->count < CHUNK_ITEMS) || add_chunk(stack);
}

static inline bool push_word(Stack *stack, uintptr_t word)
{
    if (UNLIKELY(!has_room(stack)))
        return false;
    stack->top->items[stack->count++].word = word;
    return true;
}

static inline bool push_number(Stack *stack, double number)
{
    if (UNLIKELY(!has_room(stack)))
        return false;
    stack->top->items[stack->count++].number = number;
    return true;
}

/* --- the order of a graph ---------------------------------------------------------------------- */

/* What the low bits of an address say; nodes lie at multiples of 16. */
enum {
    IS_SAVED = 1, /* in the order: its number before is among those saved */
    IS_TO_SAVE = 1, /* on the path: it will be */
    IS_PENDING = 2, /* on the path: more operands are to be visited */
    FLAGS = 15,
};

/* What a walk finds, and what it saves of it. */
typedef struct {
    Stack nodes; /* operands before their users */
    Stack saved; /* a number for each node that IS_SAVED, in the same order */
    Stack leaves; /* pairs: a leaf, and its gradient */
} Order;

/* GRADIENTS: they are saved and cleared; leaves stand apart. DATA: saved; leaves are left out.
 * EXACT_ORDER: nothing is saved, and the order is that of graph.py, leaves included. */
typedef enum { GRADIENTS, DATA, EXACT_ORDER } Purpose;

static uint64_t last_walk;

/* How far ahead to fetch nodes, in nodes: a tenth faster on chains that exceed the cache. */
enum { AHEAD = 32 };

static inline Node *node_at(uintptr_t word)
{
    return (Node *)(word & ~(uintptr_t)FLAGS);
}

static inline bool is_zero(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits == 0;
}

static inline bool is_seen(const Node *node, uint64_t number)
{
    return node->state >> SEEN_SHIFT == number;
}

static inline void see(Node *node, uint64_t number)
{
    node->state = (node->state & ((1 << SEEN_SHIFT) - 1)) | number << SEEN_SHIFT;
}

/* Whether the caller is going to overwrite what the node holds. */
static inline bool is_to_save(const Node *node, Purpose purpose)
{
    return purpose == DATA || (purpose == GRADIENTS && !is_zero(node->grad));
}

/* Append a node to the order. One that is not to be saved is not touched: it may long have left the
 * cache. */
static inline bool append(Order *order, Node *node, bool to_save, Purpose purpose)
{
    if (UNLIKELY(to_save)) {
        if (!push_number(&order->saved, purpose == GRADIENTS ? node->grad : node->data))
            return false;
    }
    if (UNLIKELY(!push_word(&order->nodes, (uintptr_t)node | (to_save ? IS_SAVED : 0)))) {
        if (to_save)
            order->saved.count--;
        return false;
    }
    if (purpose == GRADIENTS && to_save)
        node->grad = 0.0;
    return true;
}

static inline bool append_leaf(Order *order, Node *leaf, Purpose purpose)
{
    if (purpose == EXACT_ORDER)
        return push_word(&order->nodes, (uintptr_t)leaf);
    if (purpose == GRADIENTS) {
        if (!push_word(&order->leaves, (uintptr_t)leaf))
            return false;
        push_number(&order->leaves, leaf->grad); /* chunks have room for whole pairs */
        leaf->grad = 0.0;
    }
    return true;
}

/* Depth-first search from one root, first operands first. Where leaves stand in the order matters
 * to readers only: else, a second operand that is a leaf is done with on the way down, so that most
 * nodes need not be looked at again on the way up. */
static inline bool walk(Order *order, Node *root, uint64_t number, Purpose purpose)
{
    Stack path = {NULL, 0};
    Node *node = is_seen(root, number) ? NULL : root;
    for (;;) {
        while (node != NULL) { /* down */
            Node *first = NULL, *second = NULL;
            uintptr_t flags = 0;
            /* operands often lie where they were made */
            PREFETCH((void *)((uintptr_t)node - AHEAD * PLACE));
            see(node, number);
            if (UNLIKELY(is_annexed(node))) {
                flags = IS_PENDING;
                node->annex->next = 0;
                if (node->annex->count > 0)
                    first = node->annex->operands[node->annex->next++];
            } else if (LIKELY(node->state & ARITY)) {
                first = node->operands[0];
                if ((node->state & ARITY) == 2 << ARITY_SHIFT)
                    second = node->operands[1];
            }
            if (first == NULL) {
                if (!append_leaf(order, node, purpose))
                    goto failed;
                break;
            }
            if (second != NULL && !is_seen(second, number)) {
                if (purpose != EXACT_ORDER && (second->state & ARITY) == 0) {
                    see(second, number);
                    if (!append_leaf(order, second, purpose))
                        goto failed;
                } else {
                    flags = IS_PENDING;
                }
            }
            flags |= is_to_save(node, purpose) ? IS_TO_SAVE : 0;
            if (!push_word(&path, (uintptr_t)node | flags))
                goto failed;
            node = is_seen(first, number) ? NULL : first;
        }
        node = NULL;
        while (node == NULL) { /* up, until an operand is left to visit */
            if (path.count == 0) {
                if (path.top != NULL)
                    drop_chunk(&path);
                if (path.top == NULL)
                    return true;
            }
            uintptr_t word = path.top->items[path.count - 1].word;
            Node *user = node_at(word);
            if (word & IS_PENDING) {
                if (LIKELY(!is_annexed(user))) {
                    path.top->items[path.count - 1].word = word & ~(uintptr_t)IS_PENDING;
                    node = user->operands[1];
                } else if (user->annex->next < user->annex->count) {
                    node = user->annex->operands[user->annex->next++];
                } else {
                    path.top->items[path.count - 1].word = word & ~(uintptr_t)IS_PENDING;
                }
                if (node != NULL && is_seen(node, number))
                    node = NULL;
                continue;
            }
            if (!append(order, user, word & IS_TO_SAVE, purpose))
                goto failed;
            path.count--;
        }
    }
failed:
    empty(&path);
    PyErr_NoMemory();
    return false;
}

/* --- going through an order -------------------------------------------------------------------- */

/* Go down a stack: the next lower item, NULL at the end. */
static inline void *next_below(Stack *stack)
{
    if (stack->count == 0 && stack->top != NULL) {
        stack->top = stack->top->below;
        stack->count = CHUNK_ITEMS;
    }
    return stack->top == NULL ? NULL : &stack->top->items[--stack->count];
}

/* Add to each leaf's gradient what stood there before; or put just that back. */
static void settle_leaves(const Order *order, bool add)
{
    Stack leaves = order->leaves;
    for (double *before; (before = next_below(&leaves)) != NULL;) {
        Node *leaf = node_at(*(uintptr_t *)next_below(&leaves));
        leaf->grad = add ? leaf->grad + *before : *before;
    }
}

/* Put back what was saved. */
static void restore(const Order *order, Purpose purpose)
{
    Stack nodes = order->nodes, saved = order->saved;
    for (uintptr_t *word; (word = next_below(&nodes)) != NULL;) {
        Node *node = node_at(*word);
        double before = *word & IS_SAVED ? *(double *)next_below(&saved) : 0.0;
        if (purpose == GRADIENTS)
            node->grad = before;
        else
            node->data = before;
    }
    settle_leaves(order, false);
}

static void release_order(Order *order)
{
    empty(&order->nodes);
    empty(&order->saved);
    empty(&order->leaves);
}

/* Let Ctrl-C through; nodes hold still meanwhile. */
static inline bool interrupted(void)
{
    return PyErr_CheckSignals() < 0;
}

/* Is `debug_nans` on around us? -1 with an exception set. */
static int is_debugging(void)
{
    if (!surroundings_matter)
        return 0;
    PyObject *ambient;
    if (PyContextVar_Get(python.ambient, NULL, &ambient) < 0)
        return -1;
    if (ambient == Py_None) {
        Py_DECREF(ambient);
        return 0;
    }
    PyObject *on = PyObject_GetAttrString(ambient, "debug_nans");
    Py_DECREF(ambient);
    if (on == NULL)
        return -1;
    int debugging = PyObject_IsTrue(on);
    Py_DECREF(on);
    return debugging;
}

static bool call_with(PyObject *function, Node *node)
{
    PyObject *done = PyObject_CallOneArg(function, (PyObject *)node);
    Py_XDECREF(done);
    return done != NULL;
}

/* From the root to the leaves. */
static bool push_all(Order *order, bool debugging)
{
    for (Chunk *chunk = order->nodes.top; chunk != NULL; chunk = chunk->below) {
        int count = chunk == order->nodes.top ? order->nodes.count : CHUNK_ITEMS;
        if (interrupted())
            return false;
        for (int k = count; k-- > 0;) {
            if (k >= AHEAD)
                PREFETCH(node_at(chunk->items[k - AHEAD].word));
            Node *node = node_at(chunk->items[k].word);
            if (UNLIKELY(debugging)) {
                if (!call_with(python.push_finite, node))
                    return false;
            } else if (node->grad != 0.0) { /* NaN is not 0 */
                if (!push(node, constant_of(node), operands_of(node)))
                    return false;
            }
        }
    }
    return true;
}

PyObject *value_backward(PyObject *self, PyObject *unused)
{
    (void)unused;
    Node *root = (Node *)self;
    Order order = {0};
    int debugging = is_debugging();
    if (debugging < 0)
        return NULL;
    sweeps++;
    bool done = walk(&order, root, ++last_walk, GRADIENTS);
    if (done) {
        root->grad = 1.0;
        done = push_all(&order, debugging);
    }
    if (done)
        settle_leaves(&order, true); /* at once, so that twice is exactly the same again */
    else
        restore(&order, GRADIENTS);
    sweeps--;
    release_order(&order);
    if (!done)
        return NULL;
    Py_RETURN_NONE;
}

/* The value of a node that a Python function gives. */
static bool compute_in_python(Node *node)
{
    Node *const *operands = operands_of(node);
    Py_ssize_t count = arity_of(node);
    PyObject *function = PyObject_GetAttrString((PyObject *)node, "_forward");
    PyObject *args = function == NULL ? NULL : PyTuple_New(count);
    PyObject *result = NULL;
    if (args != NULL) {
        bool ok = true;
        for (Py_ssize_t k = 0; ok && k < count; k++) {
            PyObject *number = PyFloat_FromDouble(operands[k]->data);
            ok = number != NULL;
            if (ok)
                PyTuple_SET_ITEM(args, k, number);
        }
        if (ok)
            result = PyObject_Call(function, args, NULL);
    }
    Py_XDECREF(args);
    Py_XDECREF(function);
    bool done = result != NULL && number_of(result, "The result of _forward", &node->data);
    Py_XDECREF(result);
    return done;
}

/* From the leaves to the root: the chunks are turned round first. */
static bool compute_all(Order *order, bool debugging)
{
    Chunk *above = NULL;
    for (Chunk *chunk = order->nodes.top, *below; chunk != NULL; chunk = below) {
        below = chunk->below;
        chunk->below = above;
        above = chunk;
    }
    bool done = true;
    for (Chunk *chunk = above; done && chunk != NULL; chunk = chunk->below) {
        int count = chunk->below == NULL ? order->nodes.count : CHUNK_ITEMS;
        done = !interrupted();
        for (int k = 0; done && k < count; k++) {
            Node *node = node_at(chunk->items[k].word);
            int op = op_of(node);
            if (LIKELY(op > OP_ROW))
                done = evaluate(op, constant_of(node), operands_of(node), &node->data);
            else if (op == OP_ROW)
                done = value_of(op, 0.0, node->annex->row, arity_of(node), operands_of(node),
                                &node->data);
            else
                done = compute_in_python(node);
            if (UNLIKELY(debugging) && done && !isfinite(node->data)) {
                PyObject *error =
                    PyObject_CallOneArg(python.made_non_finite, (PyObject *)node);
                if (error != NULL) {
                    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
                    Py_DECREF(error);
                }
                done = false;
            }
        }
    }
    Chunk *top = NULL;
    for (Chunk *chunk = above, *below; chunk != NULL; chunk = below) {
        below = chunk->below;
        chunk->below = top;
        top = chunk;
    }
    return done;
}

PyObject *value_forward(PyObject *self, PyObject *unused)
{
    (void)unused;
    Order order = {0};
    int debugging = is_debugging();
    if (debugging < 0)
        return NULL;
    sweeps++;
    bool done = walk(&order, (Node *)self, ++last_walk, DATA) && compute_all(&order, debugging);
    if (!done)
        restore(&order, DATA);
    sweeps--;
    release_order(&order);
    return done ? Py_NewRef(self) : NULL;
}

PyObject *value_zero_grad(PyObject *self, PyObject *unused)
{
    (void)unused;
    Order order = {0};
    bool done = walk(&order, (Node *)self, ++last_walk, EXACT_ORDER);
    if (done) {
        Stack nodes = order.nodes;
        for (uintptr_t *word; (word = next_below(&nodes)) != NULL;)
            node_at(*word)->grad = 0.0;
    }
    release_order(&order);
    if (!done)
        return NULL;
    Py_RETURN_NONE;
}

/* The function of graph.py, for native nodes: a list of all that the roots depend on. */
PyObject *topological_order(PyObject *module, PyObject *const *roots, Py_ssize_t count)
{
    (void)module;
    Order order = {0};
    PyObject *list = NULL;
    uint64_t number = ++last_walk;
    sweeps++; /* making the list may run the collector, and that arbitrary code */
    for (Py_ssize_t k = 0; k < count; k++) {
        if (!is_value(roots[k])) {
            PyErr_SetString(PyExc_TypeError, "topological_order() takes native Values.");
            goto done;
        }
        if (!walk(&order, (Node *)roots[k], number, EXACT_ORDER))
            goto done;
    }
    Py_ssize_t total = order.nodes.count;
    for (Chunk *chunk = order.nodes.top; chunk != NULL && chunk->below != NULL;
         chunk = chunk->below)
        total += CHUNK_ITEMS;
    list = PyList_New(total);
    Stack nodes = order.nodes;
    for (uintptr_t *word; list != NULL && (word = next_below(&nodes)) != NULL;)
        PyList_SET_ITEM(list, --total, Py_NewRef((PyObject *)node_at(*word)));
done:
    sweeps--;
    release_order(&order);
    return list;
}
