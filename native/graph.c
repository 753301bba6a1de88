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
    IS_LEAF = 1, /* in the order */
    IS_SAVED = 2, /* in the order: its number before is among those saved */
    IS_PENDING = 1, /* on the path: more operands are to be visited */
    IS_TO_SAVE = 2, /* on the path */
    FLAGS = 15,
};

typedef struct {
    Stack nodes; /* operands before their users */
    Stack saved; /* a number for each node that IS_SAVED, in the same order */
} Order;

/* What a walk is for: gradients other than zero are saved, and cleared in nodes that are no leaves;
 * or the data of those are saved; or the order is wanted as graph.py has it, leaves included. */
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

/* Whether the walk is going to overwrite what the node holds. */
static inline bool is_to_save(const Node *node, bool leaf, Purpose purpose)
{
    return purpose == GRADIENTS ? !is_zero(node->grad) : purpose == DATA && !leaf;
}

/* Append a node to the order. One that is not to be saved is not touched: it may long have left the
 * cache. */
static inline bool append(Order *order, Node *node, bool leaf, bool to_save, Purpose purpose)
{
    uintptr_t word = (uintptr_t)node | (leaf ? IS_LEAF : 0) | (to_save ? IS_SAVED : 0);
    if (UNLIKELY(to_save)) {
        if (!push_number(&order->saved, purpose == GRADIENTS ? node->grad : node->data))
            return false;
    }
    if (UNLIKELY(!push_word(&order->nodes, word))) {
        if (to_save && --order->saved.count == 0)
            drop_chunk(&order->saved);
        return false;
    }
    if (purpose == GRADIENTS && to_save && !leaf)
        node->grad = 0.0;
    return true;
}

static inline bool append_leaf(Order *order, Node *leaf, Purpose purpose)
{
    return append(order, leaf, true, is_to_save(leaf, true, purpose), purpose);
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
            PREFETCH((char *)node - AHEAD * PLACE); /* operands often lie where they were made */
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
            flags |= is_to_save(node, false, purpose) ? IS_TO_SAVE : 0;
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
            if (!append(order, user, false, word & IS_TO_SAVE, purpose))
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

/* Put back what was saved. */
static void restore(Order *order, Purpose purpose)
{
    Stack nodes = order->nodes, saved = order->saved;
    for (; nodes.top != NULL; nodes.top = nodes.top->below, nodes.count = CHUNK_ITEMS) {
        for (int k = nodes.count; k-- > 0;) {
            uintptr_t word = nodes.top->items[k].word;
            Node *node = node_at(word);
            double before = 0.0;
            if (word & IS_SAVED) {
                if (saved.count == 0) {
                    saved.top = saved.top->below;
                    saved.count = CHUNK_ITEMS;
                }
                before = saved.top->items[--saved.count].number;
            }
            if (purpose == GRADIENTS)
                node->grad = before;
            else if (word & IS_SAVED)
                node->data = before;
        }
    }
}

static void release_order(Order *order)
{
    empty(&order->nodes);
    empty(&order->saved);
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
            uintptr_t word = chunk->items[k].word;
            if (word & IS_LEAF)
                continue;
            Node *node = node_at(word);
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
    Order order = {{NULL, 0}, {NULL, 0}};
    int debugging = is_debugging();
    if (debugging < 0)
        return NULL;
    sweeps++;
    bool done = walk(&order, root, ++last_walk, GRADIENTS);
    if (done) {
        root->grad += 1.0;
        done = push_all(&order, debugging);
    }
    if (!done)
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
            uintptr_t word = chunk->items[k].word;
            if (word & IS_LEAF)
                continue;
            Node *node = node_at(word);
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
    Order order = {{NULL, 0}, {NULL, 0}};
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
    Order order = {{NULL, 0}, {NULL, 0}};
    bool done = walk(&order, (Node *)self, ++last_walk, EXACT_ORDER);
    for (Stack rest = order.nodes; done && rest.top != NULL;
         rest.top = rest.top->below, rest.count = CHUNK_ITEMS)
        for (int k = rest.count; k-- > 0;)
            node_at(rest.top->items[k].word)->grad = 0.0;
    release_order(&order);
    if (!done)
        return NULL;
    Py_RETURN_NONE;
}

/* The function of graph.py, for native nodes: a list of all that the roots depend on. */
PyObject *topological_order(PyObject *module, PyObject *const *roots, Py_ssize_t count)
{
    (void)module;
    Order order = {{NULL, 0}, {NULL, 0}};
    uint64_t number = ++last_walk;
    for (Py_ssize_t k = 0; k < count; k++) {
        if (!is_value(roots[k])) {
            release_order(&order);
            PyErr_SetString(PyExc_TypeError, "topological_order() takes native Values.");
            return NULL;
        }
        if (!walk(&order, (Node *)roots[k], number, EXACT_ORDER)) {
            release_order(&order);
            return NULL;
        }
    }
    Py_ssize_t total = order.nodes.count;
    for (Chunk *chunk = order.nodes.top; chunk != NULL; chunk = chunk->below)
        total += chunk == order.nodes.top ? 0 : CHUNK_ITEMS;
    PyObject *list = PyList_New(order.nodes.top == NULL ? 0 : total);
    if (list != NULL) {
        Py_ssize_t place = PyList_GET_SIZE(list);
        for (Stack rest = order.nodes; rest.top != NULL;
             rest.top = rest.top->below, rest.count = CHUNK_ITEMS)
            for (int k = rest.count; k-- > 0;) {
                PyObject *node = (PyObject *)node_at(rest.top->items[k].word);
                PyList_SET_ITEM(list, --place, Py_NewRef(node));
            }
    }
    release_order(&order);
    return list;
}
