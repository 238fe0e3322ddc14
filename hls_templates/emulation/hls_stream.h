// hls::stream for emulation: an unbounded queue in blocks of this thread's pool.
//
// A stream must be filled and emptied by one thread. Reading an empty stream throws; so does a
// stream that still holds words at the end of its life, which would hang on the chip.
// With HLSGEN_BOUNDED_STREAMS, it is that of hlsgen/bounded_stream.h.
#ifndef HLSGEN_HLS_STREAM_H
#define HLSGEN_HLS_STREAM_H

#ifdef HLSGEN_BOUNDED_STREAMS
#include <hlsgen/bounded_stream.h>
#else

#include <hlsgen/pool.h>

namespace hls {

template <class T, int Depth = 0> class stream {
    typedef hlsgen::pool::block block;
    static const size_t words = sizeof(T) >= hlsgen::pool::smallest ? 1 : hlsgen::pool::smallest / sizeof(T);

    const char* label;
    block* first = nullptr;
    block* last = nullptr;
    size_t count = 0;                // words in the queue
    size_t head = 0, tail = words;   // positions in the first and last block

    void append() {
        block* b = hlsgen::pool::acquire(words * sizeof(T));
        (last ? last->next : first) = b;
        last = b;
        tail = 0;
    }

    void leave_first() {
        block* next = first->next;
        hlsgen::pool::release(first);
        first = next;
        head = 0;
        if (!next) {
            last = nullptr;
            tail = words;
        }
    }

    void drop() {
        while (first) {
            block* next = first->next;
            hlsgen::pool::release(first);
            first = next;
        }
        last = nullptr;
        count = head = 0;
        tail = words;
    }

    const T* front() const {
        if (count == 0) throw hlsgen::emulation_error("a kernel reads the empty stream ", label);
        return hlsgen::pool::payload<T>(first) + head;
    }

public:
    typedef T value_type;

    // The pool is made before the stream, so that it outlives it.
    explicit stream(const char* name = "unnamed") : label(name) { hlsgen::pool::prepare(); }
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;
    ~stream() noexcept(false) {
        const bool leftover = count != 0;
        drop();
        if (leftover && std::uncaught_exceptions() == 0)
            throw hlsgen::emulation_error("a kernel left words unread in stream ", label);
    }

    bool empty() const { return count == 0; }
    bool full() const { return false; }
    size_t size() const { return count; }

    void write(const T& word) {
        if (tail == words) append();
        hlsgen::pool::payload<T>(last)[tail++] = word;
        count++;
    }

    void read(T& word) {
        word = *front();
        pop(1);
    }
    T read() {
        T word;
        read(word);
        return word;
    }
    bool read_nb(T& word) { return count != 0 && (read(word), true); }

    void operator>>(T& word) { read(word); }
    void operator<<(const T& word) { write(word); }

    // Words in place, for emulate.h: room for *n words side by side (*n is lowered to what there is), which push
    // takes into the queue once they are written; the next words, which pop removes once they are read.
    T* room(long* n) {
        if (tail == words) append();
        const long left = long(words - tail);
        if (*n > left) *n = left;
        return hlsgen::pool::payload<T>(last) + tail;
    }
    void push(long n) {
        tail += size_t(n);
        count += size_t(n);
    }
    const T* front(long* n) const {
        const T* words_here = front();
        const long left = long((first == last ? tail : words) - head);
        if (*n > left) *n = left;
        return words_here;
    }
    void pop(long n) {
        head += size_t(n);
        count -= size_t(n);
        if (head == words) leave_first();
    }

    // Forget all words (a run that failed may leave some).
    void clear() { drop(); }
};

}  // namespace hls

#endif  // HLSGEN_BOUNDED_STREAMS

#endif
