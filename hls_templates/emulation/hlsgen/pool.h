// Memory of one thread, kept between calls: streams and scratch buffers never allocate twice.
#ifndef HLSGEN_POOL_H
#define HLSGEN_POOL_H

#include <exception>
#include <stddef.h>
#include <stdlib.h>

namespace hlsgen {

// Anything that goes wrong inside an emulated kernel; becomes a RuntimeError in Python.
class emulation_error : public std::exception {
    char text[160];

public:
    emulation_error(const char* what, const char* name) {
        size_t n = 0;
        while (*what && n + 1 < sizeof text) text[n++] = *what++;
        while (*name && n + 1 < sizeof text) text[n++] = *name++;
        text[n] = 0;
    }
    const char* what() const noexcept override { return text; }
};

namespace pool {

struct block {
    block* next;
    size_t size_class;
    // The payload follows, aligned to 256 bytes.
};
constexpr size_t header = 256, smallest = 32768;

// Blocks of this thread not in use, by size class. Constant from the start, so that access needs no check.
inline thread_local block* unused[48];

// Ends with the thread, and its blocks with it.
struct cleaner {
    bool on = false;
    ~cleaner() {
        for (block*& list : unused)
            while (list) {
                block* b = list;
                list = b->next;
                ::free(b);
            }
    }
};
// What uses the pool from its destructor calls this from its constructor, so as to end before the pool.
inline void prepare() {
    static thread_local cleaner c;
    c.on = true;
}

inline __attribute__((noinline)) block* allocate(size_t size_class) {
    prepare();
    block* b = static_cast<block*>(aligned_alloc(header, header + (smallest << size_class)));
    if (!b) throw emulation_error("out of memory in an emulated kernel", "");
    b->size_class = size_class;
    return b;
}

inline block* acquire(size_t bytes) {
    size_t c = 0;
    while ((smallest << c) < bytes) c++;
    block* b = unused[c];
    if (b) unused[c] = b->next;
    else b = allocate(c);
    b->next = nullptr;
    return b;
}
inline void release(block* b) {
    b->next = unused[b->size_class];
    unused[b->size_class] = b;
}
template <class T> T* payload(block* b) { return reinterpret_cast<T*>(reinterpret_cast<char*>(b) + header); }

// An uninitialised array of T that goes back to the pool.
template <class T> class scratch {
    block* b;

public:
    explicit scratch(size_t n) : b(acquire(n * sizeof(T))) {}
    ~scratch() { release(b); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    T* data() { return payload<T>(b); }
};

}  // namespace pool
}  // namespace hlsgen

#endif
