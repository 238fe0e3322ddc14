// A stand-in for the tool's ap_int.h: operations are declared and never defined, so that the object file of a
// design shows by its undefined symbols what the design asks of the tool.
#ifndef AP_INT_H
#define AP_INT_H

enum ap_q_mode { AP_RND, AP_RND_ZERO, AP_RND_MIN_INF, AP_RND_INF, AP_RND_CONV, AP_TRN, AP_TRN_ZERO };
enum ap_o_mode { AP_SAT, AP_SAT_ZERO, AP_SAT_SYM, AP_WRAP, AP_WRAP_SM };

// A slice of bits.
struct ap_range {
    void* object;
    int high, low;
    ap_range(const ap_range&) = default;
    ap_range& operator=(const ap_range& other);
    template <class T>
    ap_range& operator=(const T& bits);
};

// A constant is stored; everything else is the tool's.
template <int W>
struct ap_int {
    static const int width = W;
    long long raw[(W + 63) / 64];
    ap_int() = default;
    constexpr ap_int(long long value) : raw{value} {}
    ap_int(const char* text, int base);
    ap_int(const ap_range& bits);
    ap_range range(int high, int low) const;
    unsigned long long to_uint64() const;
};

template <int W>
struct ap_uint {
    static const int width = W;
    long long raw[(W + 63) / 64];
    ap_uint() = default;
    constexpr ap_uint(long long value) : raw{value} {}
    template <int W2>
    ap_uint(const ap_int<W2>& other);
    operator unsigned long long() const;
    ap_uint(const char* text, int base);
    ap_uint(const ap_range& bits);
    ap_range range(int high, int low) const;
    unsigned long long to_uint64() const;
};

#endif
