// Weights in the form in which kernels multiply by them: made once for every instance of a design.
//
// A kernel knows its weights as pointers to data bound at load time. An address may belong to other weights later, so
// nothing is remembered by address alone: a form belongs to the store of an instance, ends with it, and every thread
// is told the store whenever its pointers are bound. Without a store nothing is kept from one use to the next.
#ifndef HLSGEN_PREPARED_H
#define HLSGEN_PREPARED_H

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <hlsgen/pool.h>

namespace hlsgen {
namespace prepared {

inline uint64_t stores_made;

// The forms of one instance's constants, shared by its threads.
class store {
    struct block {
        block* next;
        uint64_t unused;  // the payload is aligned to 16 bytes
    };
    struct entry {
        entry* next;
        const void *kind, *weights, *biases, *form;
    };
    block* blocks = nullptr;
    entry* entries = nullptr;
    pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

    struct lock {
        pthread_mutex_t* guard;
        explicit lock(pthread_mutex_t* g) : guard(g) { pthread_mutex_lock(g); }
        ~lock() { pthread_mutex_unlock(guard); }
    };

public:
    const uint64_t id = __atomic_add_fetch(&stores_made, 1, __ATOMIC_RELAXED);  // never used again

    store() = default;
    store(const store&) = delete;
    store& operator=(const store&) = delete;
    ~store() { clear(); }

    void clear() {
        entries = nullptr;
        while (blocks) {
            block* next = blocks->next;
            ::free(blocks);
            blocks = next;
        }
    }

    // Memory for n values until the end of the store.
    template <class T> T* allocate(size_t n) {
        block* b = static_cast<block*>(malloc(sizeof(block) + n * sizeof(T)));
        if (!b) throw emulation_error("out of memory for the weights of an emulated kernel", "");
        b->next = blocks;
        blocks = b;
        return reinterpret_cast<T*>(b + 1);
    }

    // The form of a pair of constants, made by Form::make(store, weights, biases) if it is not there yet. There are
    // as many kinds of form as addresses `kind`.
    template <class Form, class W, class B> const Form* find(const void* kind, const W* weights, const B* biases) {
        const lock held(&guard);
        for (const entry* e = entries; e; e = e->next)
            if (e->kind == kind && e->weights == weights && e->biases == biases) return static_cast<const Form*>(e->form);
        const Form* form = Form::make(*this, weights, biases);
        entry* e = allocate<entry>(1);
        *e = entry{entries, kind, weights, biases, form};
        entries = e;
        return form;
    }
};

// The store that this thread's pointers belong to.
inline thread_local store* current;
inline thread_local uint64_t current_id;

// The instance must outlive the use of its pointers by this thread.
inline void bind(store& s) {
    current = &s;
    current_id = s.id;
}

inline store& unbound() {
    static thread_local store s;
    s.clear();
    return s;
}

// What this thread found last: a trivial type, so that a thread_local of it costs nothing.
template <class Form> struct recent {
    uint64_t store_id;
    const void *weights, *biases;
    const Form* form;

    template <class W, class B> const Form& find(const void* kind, const W* w, const B* b) {
        if (store_id == 0 || store_id != current_id || weights != w || biases != b) {
            store_id = 0;  // in case of an exception
            form = (current ? *current : unbound()).template find<Form>(kind, w, b);
            store_id = current_id;
            weights = w;
            biases = b;
        }
        return *form;
    }
};

}  // namespace prepared
}  // namespace hlsgen

#endif
