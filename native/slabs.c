/* Where nodes live: slabs of 1 MB, cut into places of one size.
 *
 * A slab lies at a multiple of its size, so the address of a node tells its slab. Each slab has its
 * own list of free places, so nodes made one after the other lie side by side, and a slab that
 * is free altogether can go back to the system.
 *
 * Getting memory from the system costs as much as all else a node does, and the next graph is
 * likely to be as large as the last. So empty slabs are kept; more than a few are given back when
 * they were not needed between two full runs of the garbage collector. */

#include "node.h"

#include <stdlib.h>
#if defined(_WIN32)
#include <malloc.h>
#endif

enum { KEPT_SLABS = 16, USED_SIZE = SLAB_SIZE - 64 };

static Slab no_slab; /* full from the start */
static Slab with_room = {.next = &with_room, .previous = &with_room};
static Py_ssize_t slabs, empty_slabs;
static Py_ssize_t idle_slabs; /* the least number of empty ones since the last trim_slabs() */

Slab *current_slab = &no_slab;

/* Memory at a multiple of SLAB_SIZE, a little less than that: with what `malloc` itself needs, slabs
 * then follow each other without a gap. */
static void *aligned(size_t size)
{
#if defined(_WIN32)
    return _aligned_malloc(size, SLAB_SIZE);
#else
    void *memory;
    return posix_memalign(&memory, SLAB_SIZE, size) == 0 ? memory : NULL;
#endif
}

static void release(Slab *slab)
{
    slabs--;
#if defined(_WIN32)
    _aligned_free(slab);
#else
    free(slab);
#endif
}

static char *first_place(Slab *slab)
{
    return (char *)slab + (sizeof(Slab) + 15) / 16 * 16;
}

static Slab *new_slab(void)
{
    Slab *slab = aligned(USED_SIZE);
    if (slab == NULL)
        return NULL;
    slabs++;
    char *first = first_place(slab);
    size_t places = (size_t)((char *)slab + USED_SIZE - first) / PLACE;
    *slab = (Slab){.fresh = first, .end = first + places * PLACE};
    return slab;
}

static void unlist(Slab *slab)
{
    slab->next->previous = slab->previous;
    slab->previous->next = slab->next;
    slab->has_room = false;
}

/* The current slab is full: take a place from another one, which is current from here on. */
Node *place_from_next_slab(void)
{
    Slab *slab = with_room.next;
    if (slab != &with_room) {
        unlist(slab);
        empty_slabs -= slab->used == 0;
        if (idle_slabs > empty_slabs)
            idle_slabs = empty_slabs;
    } else {
        slab = new_slab();
        if (slab == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
    }
    current_slab = slab;
    return take_place();
}

/* A place was given back: the slab was full before, or is empty now. */
void slab_has_room(Slab *slab)
{
    if (!slab->has_room) {
        slab->has_room = true;
        slab->next = with_room.next;
        slab->previous = &with_room;
        with_room.next->previous = slab;
        with_room.next = slab;
    }
    if (slab->used == 0) {
        empty_slabs++;
        slab->free = NULL; /* places in order again: the processor fetches them ahead */
        slab->fresh = first_place(slab);
    }
}

/* Give back as many slabs as stood empty since the last time. */
void trim_slabs(void)
{
    Slab *slab = with_room.next;
    while (idle_slabs > 0 && empty_slabs > KEPT_SLABS && slab != &with_room) {
        Slab *next = slab->next;
        if (slab->used == 0) {
            unlist(slab);
            release(slab);
            empty_slabs--;
            idle_slabs--;
        }
        slab = next;
    }
    idle_slabs = empty_slabs;
}

Py_ssize_t slab_count(void)
{
    return slabs;
}
