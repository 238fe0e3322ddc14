// hls::stream for a check of depths: a queue of limited length between processes that wait for each other.
//
// Every kernel call is a process with a stack of its own, in one thread: who finds a stream empty or full hands over to
// another. Those at the end of the design go first, so that a word is made when it is asked for; then a stream holds as
// few words as any order allows. (What a design computes, and whether it stops, depends on no order.)
//
// Where all of them wait, some wait for each other in a circle. A full stream in it is taken as one word deeper, and the
// design goes on: in the end `needed` says how deep it has to be.
#ifndef HLSGEN_BOUNDED_STREAM_H
#define HLSGEN_BOUNDED_STREAM_H

#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

#include <hlsgen/fifo.h>
#include <hlsgen/pool.h>

namespace hlsgen {
namespace bounded {

struct process;

// A stream, whatever it carries. A port has no limit, and nobody of the design on its other side.
struct channel {
    emu::fifo* state;
    long count = 0;
    process* writer = nullptr;
    process* reader = nullptr;

    explicit channel(emu::fifo* f) : state(f) {}
    bool full() const { return state && count >= state->depth; }
};

struct process {
    enum { ready, waits_for_word, waits_for_room, done } status = ready;
    channel* at = nullptr;  // what it waits for
    std::function<void()> work;
    ucontext_t context;
    void* stack = nullptr;
    size_t stack_size = 0;
    std::exception_ptr failure;

    ~process() {
        if (stack) munmap(stack, stack_size);
    }
    bool can_run() const {
        return status == ready || (status == waits_for_word && at->count > 0) ||
               (status == waits_for_room && !at->full());
    }
    // Whom it waits for; null is the outside.
    process* other() const { return status == waits_for_word ? at->writer : at->reader; }
};

class network {
    std::vector<std::unique_ptr<process>> processes;
    std::vector<channel*> read;
    const size_t stack_size;
    ucontext_t scheduler;
    process* current = nullptr;

    static network*& running() {
        static thread_local network* n = nullptr;
        return n;
    }

    static void enter() {
        process* const p = running()->current;
        try {
            p->work();
        } catch (...) {
            p->failure = std::current_exception();
        }
        p->status = process::done;
        swapcontext(&p->context, &running()->scheduler);
    }

    void start(process& p) {
        p.stack_size = stack_size;
        p.stack = mmap(nullptr, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p.stack == MAP_FAILED) {
            p.stack = nullptr;
            throw emulation_error("out of memory for the stack of a process", "");
        }
        getcontext(&p.context);
        p.context.uc_stack.ss_sp = p.stack;
        p.context.uc_stack.ss_size = stack_size;
        p.context.uc_link = nullptr;
        makecontext(&p.context, enter, 0);
    }

    void resume(process& p) {
        if (!p.stack) start(p);
        p.status = process::ready;
        current = &p;
        swapcontext(&scheduler, &p.context);
        current = nullptr;
        if (p.failure) std::rethrow_exception(p.failure);
    }

    process* next() const {
        for (size_t i = processes.size(); i-- > 0;)
            if (processes[i]->can_run()) return processes[i].get();
        return nullptr;
    }

    // The full stream of the least depth in the circle of those that wait for each other; null where all are done.
    channel* full_stream_in_circle() const {
        const process* p = nullptr;
        for (const auto& each : processes)
            if (each->status != process::done) p = each.get();
        if (!p) return nullptr;
        for (size_t i = 0; i < processes.size(); i++) p = followed(p);  // now in the circle
        channel* least = nullptr;
        const process* const first = p;
        do {
            if (p->status == process::waits_for_room && (!least || p->at->state->depth < least->state->depth)) least = p->at;
            p = followed(p);
        } while (p != first);
        if (!least) throw emulation_error("all processes wait for words", "");
        return least;
    }

    static const process* followed(const process* p) {
        const process* const other = p->other();
        if (!other || other->status == process::done)
            throw emulation_error(p->status == process::waits_for_word ? "a kernel reads the empty stream "
                                                                       : "a kernel left words unread in stream ",
                                  name(p->at));
        return other;
    }

    static const char* name(const channel* c) { return c->state ? c->state->name : "of a port"; }

public:
    explicit network(size_t stack) : stack_size((stack + 4095) / 4096 * 4096) {}

    void add(std::vector<channel*> inputs, std::vector<channel*> outputs, std::function<void()> work) {
        processes.emplace_back(new process);
        process* const p = processes.back().get();
        p->work = std::move(work);
        for (channel* c : inputs) c->reader = p;
        read.insert(read.end(), inputs.begin(), inputs.end());
        for (channel* c : outputs) c->writer = p;
    }

    void run() {
        running() = this;
        for (;;) {
            while (process* p = next()) resume(*p);
            channel* const full = full_stream_in_circle();
            if (!full) break;
            full->state->needed = ++full->state->depth;
        }
        running() = nullptr;
        for (const channel* c : read)
            if (c->count > 0) throw emulation_error("a kernel left words unread in stream ", name(c));
    }

    // Called by a process: returns when it may go on.
    static void wait(channel& c, bool for_word) {
        network* const n = running();
        process* const p = n ? n->current : nullptr;
        if (!p) throw emulation_error("a port is read empty", "");
        p->at = &c;
        p->status = for_word ? process::waits_for_word : process::waits_for_room;
        swapcontext(&p->context, &n->scheduler);
    }
    static void wait_for_word(channel& c) { wait(c, true); }
    static void wait_for_room(channel& c) { wait(c, false); }

    // Called by a process that wrote a word: its reader goes first.
    static void hand_over(channel& c) {
        network* const n = running();
        if (!n || !n->current || !c.reader || !c.reader->can_run()) return;
        swapcontext(&n->current->context, &n->scheduler);
    }
};

}  // namespace bounded
}  // namespace hlsgen

namespace hls {

template <class T, int Depth = 0> class stream : public hlsgen::bounded::channel {
    typedef hlsgen::bounded::network network;

    std::deque<T> words;

public:
    typedef T value_type;

    explicit stream(hlsgen::emu::fifo* f = nullptr) : channel(f) {}
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    bool empty() const { return words.empty(); }

    void write(const T& word) {
        while (full()) network::wait_for_room(*this);
        words.push_back(word);
        count++;
        if (state && count > state->most) state->most = count;
        network::hand_over(*this);
    }

    T read() {
        long one = 1;
        const T word = *front(&one);
        pop(1);
        return word;
    }
    void read(T& word) { word = read(); }

    void operator>>(T& word) { read(word); }
    void operator<<(const T& word) { write(word); }

    // The next word in place, one at a time, which pop removes.
    const T* front(long* n) {
        while (words.empty()) network::wait_for_word(*this);
        *n = 1;
        return &words.front();
    }
    void pop(long n) {
        for (; n > 0; n--, count--) words.pop_front();
    }
};

}  // namespace hls

#endif
