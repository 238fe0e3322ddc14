// The Python side of every emulated design: the same text for all, compiled once.
//
// Module: `lanes`, `inputs`, `outputs`, `constants` (what the design expects) and `Instance`.
#include <atomic>
#include <stdexcept>
#include <pthread.h>
#include <condition_variable>
#include <chrono>
#include <cmath>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <hlsgen/emulate.h>

namespace py = pybind11;

namespace {

using hlsgen::format;
using hlsgen::int128;
using hlsgen::uint128;
using hlsgen::lanes::vec;
namespace emu = hlsgen::emu;

constexpr int L = HLSGEN_LANES;
constexpr long tile = 64;           // elements converted at a time
constexpr int fast_limit_log = 30;  // mantissas below 2^30 take the vectorised conversion

// ---------------------------------------------------------------------------------------- inputs

enum class kind { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64 };

// One input array of shape (samples, elements), any strides.
struct input_view {
    kind type;
    const char* data;
    long row_step, column_step;  // bytes
    int item;                    // bytes
};

template <class T> T read(const char* p) {
    T v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

// Calls f with a value of the C type of `k`.
template <class F> void with_type(kind k, F f) {
    switch (k) {
    case kind::f32: return f(float());
    case kind::f64: return f(double());
    case kind::i8: return f(int8_t());
    case kind::i16: return f(int16_t());
    case kind::i32: return f(int32_t());
    case kind::i64: return f(int64_t());
    case kind::u8: return f(uint8_t());
    case kind::u16: return f(uint16_t());
    case kind::u32: return f(uint32_t());
    case kind::u64: return f(uint64_t());
    }
}

int128 largest(const format& f) { return int128(hlsgen::scalar::low_bits(f.width - f.is_signed)); }
int128 smallest(const format& f) {
    if (!f.is_signed) return 0;
    return -(int128(1) << (f.width - 1)) + (f.overflow == AP_SAT_SYM && f.width > 1);
}

struct not_a_number {};

// The exact conversion of one value. Infinities saturate whatever the overflow mode.
int128 convert_exactly(const format& f, kind k, const char* p, bool* outside) {
    int128 result = 0;
    with_type(k, [&](auto sample) {
        typedef decltype(sample) T;
        const T value = read<T>(p);
        if constexpr (std::is_floating_point<T>::value) {
            if (std::isnan(value)) throw not_a_number();
            if (std::isinf(value)) {
                *outside = true;
                result = value > 0 ? largest(f) : smallest(f);
                return;
            }
            int frac = 0;
            const int128 mantissa = hlsgen::scalar::decompose(double(value), &frac);
            result = hlsgen::scalar::cast(f, mantissa, frac, outside);
        } else {
            result = hlsgen::scalar::cast(f, int128(value), 0, outside);
        }
    });
    return result;
}

bool is_fast(const format& f) {
    const bool common = f.overflow == AP_SAT || f.overflow == AP_SAT_SYM || f.overflow == AP_SAT_ZERO ||
                        (f.overflow == AP_WRAP && f.saturation_bits == 0);
    return common && f.width <= fast_limit_log && f.frac >= 0 && f.frac <= 90;
}

// Rounds y (already scaled to mantissas) and brings it into range. Returns false if some value needs
// the exact conversion; adds the number of values out of range to `outside`.
template <int Q, class R> bool convert_tile(const format& f, const R* values, int32_t* out, long n, long* outside) {
    const R scale = R(std::ldexp(1.0, f.frac)), limit = R(1 << fast_limit_log);
    const bool clips = f.overflow == AP_SAT || f.overflow == AP_SAT_SYM;
    const bool wraps = f.overflow == AP_WRAP, zeroes = f.overflow == AP_SAT_ZERO;
    const int32_t low = int32_t(smallest(f)), high = int32_t(largest(f));
    const int spare = 32 - f.width;
    vec<int32_t> bad{}, count{};
    for (long i = 0; i < n; i += L) {
        vec<R> y;
        __builtin_memcpy(&y, values + i, sizeof y);
        y *= scale;
        if (clips) {
            y = y < -limit ? vec<R>{} - limit : y;
            y = y > limit ? vec<R>{} + limit : y;
        }
        const auto usable = (y >= -limit) & (y <= limit);  // false for NaN
        y = usable ? y : vec<R>{};
        const vec<int32_t> ok = __builtin_convertvector(usable, vec<int32_t>);
        vec<int32_t> m = __builtin_convertvector(y, vec<int32_t>);
        const vec<R> rest = y - __builtin_convertvector(m, vec<R>);
        if constexpr (Q == AP_TRN) {
            m += __builtin_convertvector(rest < R(0), vec<int32_t>);
        } else if constexpr (Q != AP_TRN_ZERO) {
            const R half = R(0.5);
            auto up = Q == AP_RND || Q == AP_RND_INF ? rest >= half : rest > half;
            auto down = Q == AP_RND_INF || Q == AP_RND_MIN_INF ? rest <= -half : rest < -half;
            vec<int32_t> step = __builtin_convertvector(down, vec<int32_t>) - __builtin_convertvector(up, vec<int32_t>);
            if constexpr (Q == AP_RND_CONV) {
                const vec<int32_t> odd = -(m & 1);
                step += odd & (__builtin_convertvector(rest == -half, vec<int32_t>) -
                               __builtin_convertvector(rest == half, vec<int32_t>));
            }
            m += step;
        }
        const vec<int32_t> over = m > high, under = m < low;
        bad |= ~ok;
        count -= over | under;
        if (clips) {
            m = over ? vec<int32_t>{} + high : m;
            m = under ? vec<int32_t>{} + low : m;
        } else if (zeroes) {
            m &= ~(over | under);
        } else if (wraps) {
            m = f.is_signed ? (m << spare) >> spare : m & high;
        }
        __builtin_memcpy(out + i, &m, sizeof m);
    }
    long total = 0;
    int32_t any = 0;
    for (int l = 0; l < L; l++) {
        any |= bad[l];
        total += count[l];
    }
    if (any) return false;
    *outside += total;
    return true;
}

template <class R> bool convert_tile(const format& f, const R* values, int32_t* out, long n, long* outside) {
    switch (f.rounding) {
    case AP_RND: return convert_tile<AP_RND>(f, values, out, n, outside);
    case AP_RND_ZERO: return convert_tile<AP_RND_ZERO>(f, values, out, n, outside);
    case AP_RND_MIN_INF: return convert_tile<AP_RND_MIN_INF>(f, values, out, n, outside);
    case AP_RND_INF: return convert_tile<AP_RND_INF>(f, values, out, n, outside);
    case AP_RND_CONV: return convert_tile<AP_RND_CONV>(f, values, out, n, outside);
    case AP_TRN_ZERO: return convert_tile<AP_TRN_ZERO>(f, values, out, n, outside);
    default: return convert_tile<AP_TRN>(f, values, out, n, outside);
    }
}

// n <= tile values of one sample, to mantissas; false if some value needs the exact conversion.
bool convert_row(const format& f, const input_view& v, const char* p, int32_t* out, long n, long* outside) {
    const long padded = (n + L - 1) / L * L;
    bool done = true;
    with_type(v.type, [&](auto sample) {
        typedef decltype(sample) T;
        typedef typename std::conditional<std::is_same<T, float>::value, float, double>::type R;
        alignas(64) R values[tile];
        if (std::is_same<T, R>::value && v.column_step == long(sizeof(T))) {
            __builtin_memcpy(values, p, n * sizeof(T));
        } else {
            for (long i = 0; i < n; i++) {
                const T x = read<T>(p + i * v.column_step);
                values[i] = R(x);
                if constexpr (sizeof(T) == 8 && !std::is_floating_point<T>::value)
                    done &= int128(x) < int128(1) << 53 && int128(x) > -(int128(1) << 53);  // exact in R
            }
        }
        for (long i = n; i < padded; i++) values[i] = 0;
        done = done && convert_tile<R>(f, values, out, padded, outside);
    });
    return done;
}

// ---------------------------------------------------------------------------------------- outputs

enum class form { f32, f64, raw, raw_pair };

struct output_view {
    form type;
    void* data;   // float, double, int64_t, or the upper halves
    void* lower;  // uint64_t, of raw_pair only
};

form output_form(const format& f, bool raw) {
    if (raw) return f.width > 63 ? form::raw_pair : form::raw;
    const bool narrow = f.width - f.is_signed <= 24 && f.frac <= 126 && f.width - f.frac <= 127;
    return narrow ? form::f32 : form::f64;
}

// Calls f with a value of the type of the port's lanes.
template <class F> void with_word(const emu::port& p, F f) {
    const bool is_signed = p.type.is_signed || p.type.width < 8 * p.native_bytes;
    switch (p.native_bytes) {
    case 2: return is_signed ? f(int16_t()) : f(uint16_t());
    case 4: return is_signed ? f(int32_t()) : f(uint32_t());
    case 8: return is_signed ? f(int64_t()) : f(uint64_t());
    default: return is_signed ? f(int128()) : f(uint128());
    }
}

// ---------------------------------------------------------------------------------------- running

struct job : emu::chunk {
    const emu::design* design;
    const std::vector<input_view>* inputs;
    const std::vector<output_view>* outputs;
    long first, samples;         // this chunk: first sample, number of real ones
    mutable std::vector<long> outside;  // input values out of range, per port
};

[[noreturn]] void refuse_nan(int port, long sample, long element) {
    throw py::value_error("input " + std::to_string(port) + ", sample " + std::to_string(sample) + ", element " +
                          std::to_string(element) + " is NaN; fixed point has no NaN, clean the data first");
}

void fill(const emu::chunk& self, int port, long first, long n, void* lanes) {
    const job& j = static_cast<const job&>(self);
    const emu::port& p = j.design->inputs[port];
    const input_view& v = (*j.inputs)[port];
    const format& f = p.type;
    const bool fast = is_fast(f);
    with_word(p, [&](auto sample_word) {
        typedef decltype(sample_word) W;
        W* out = static_cast<W*>(lanes);
        alignas(64) int32_t mantissas[tile];
        for (long start = 0; start < n; start += tile) {
            const long here = n - start < tile ? n - start : tile;
            for (int l = 0; l < L; l++) {
                W* to = out + start * L + l;
                if (l >= j.samples) {  // the tail repeats its last sample
                    for (long i = 0; i < here; i++) to[i * L] = to[i * L + j.samples - 1 - l];
                    continue;
                }
                const char* from = v.data + (j.first + l) * v.row_step + (first + start) * v.column_step;
                if (fast && convert_row(f, v, from, mantissas, here, &j.outside[port])) {
                    for (long i = 0; i < here; i++) to[i * L] = W(mantissas[i]);
                    continue;
                }
                for (long i = 0; i < here; i++) {
                    bool outside = false;
                    try {
                        to[i * L] = W(convert_exactly(f, v.type, from + i * v.column_step, &outside));
                    } catch (const not_a_number&) {
                        refuse_nan(port, j.first + l, first + start + i);
                    }
                    j.outside[port] += outside;
                }
            }
        }
    });
}

void drain(const emu::chunk& self, int port, long first, long n, const void* lanes) {
    const job& j = static_cast<const job&>(self);
    const emu::port& p = j.design->outputs[port];
    const output_view& v = (*j.outputs)[port];
    const int frac = p.type.frac;
    const bool plain_scale = frac > -900 && frac < 900;
    const double scale = plain_scale ? std::ldexp(1.0, -frac) : 0;
    with_word(p, [&](auto sample_word) {
        typedef decltype(sample_word) W;
        const W* in = static_cast<const W*>(lanes);
        for (long l = 0; l < j.samples; l++) {
            const long at = (j.first + l) * p.elements + first;
            const W* from = in + l;
            switch (v.type) {
            case form::f32: {
                float* out = static_cast<float*>(v.data) + at;
                for (long i = 0; i < n; i++) out[i] = float(from[i * L]) * float(scale);
                break;
            }
            case form::f64: {
                double* out = static_cast<double*>(v.data) + at;
                for (long i = 0; i < n; i++)
                    out[i] = plain_scale ? double(from[i * L]) * scale : std::ldexp(double(from[i * L]), -frac);
                break;
            }
            case form::raw: {
                int64_t* out = static_cast<int64_t*>(v.data) + at;
                for (long i = 0; i < n; i++) out[i] = int64_t(from[i * L]);
                break;
            }
            case form::raw_pair:
                for (long i = 0; i < n; i++) {
                    const uint128 bits = uint128(from[i * L]);
                    static_cast<int64_t*>(v.data)[at + i] = int64_t(uint64_t(bits >> 64));
                    static_cast<uint64_t*>(v.lower)[at + i] = uint64_t(bits);
                }
            }
        }
    });
}

// A batch shared by threads, which take groups of chunks until none is left.
class batch {
    const emu::design& design;
    const std::vector<const void*>& constants;
    const std::vector<input_view>& inputs;
    const std::vector<output_view>& outputs;
    const long samples, chunks, group;
    std::atomic<long> next{0};
    std::mutex guard;
    std::exception_ptr failure;

    void fail() {
        std::lock_guard<std::mutex> lock(guard);
        if (!failure) failure = std::current_exception();
        next = chunks;
    }

public:
    std::vector<long> outside;

    batch(const emu::design& d, const std::vector<const void*>& c, const std::vector<input_view>& in,
          const std::vector<output_view>& out, long n, int threads)
        : design(d), constants(c), inputs(in), outputs(out), samples(n), chunks((n + L - 1) / L),
          group(std::max(1l, std::min(64l, chunks / (8l * threads)))), outside(d.n_inputs) {}

    void work(bool checks_signals) noexcept {
        try {
            design.bind(constants.data());
            job j;
            j.fill = fill;
            j.drain = drain;
            j.design = &design;
            j.inputs = &inputs;
            j.outputs = &outputs;
            j.outside.assign(design.n_inputs, 0);
            auto last = std::chrono::steady_clock::now();
            for (long start; (start = next.fetch_add(group)) < chunks;) {
                for (long c = start; c < std::min(start + group, chunks); c++) {
                    j.first = c * L;
                    j.samples = std::min<long>(L, samples - j.first);
                    design.run(j);
                }
                const auto now = std::chrono::steady_clock::now();
                if (checks_signals && now - last > std::chrono::milliseconds(200)) {
                    last = now;
                    py::gil_scoped_acquire gil;
                    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
                }
            }
            std::lock_guard<std::mutex> lock(guard);
            for (int p = 0; p < design.n_inputs; p++) outside[p] += j.outside[p];
        } catch (...) {
            fail();
        }
    }

    // Tensors of a design live on the stack. Where the caller's may be too small, all work is done on threads
    // with stacks of their own; only pages that are touched cost memory.
    void run(int threads) {
        const long useful = std::min<long>(threads, (chunks + group - 1) / group);
        if (design.tensors > small_design) {
            run_on_large_stacks(std::max(useful, 1l));
        } else {
            std::vector<std::thread> others;
            try {
                for (long t = 1; t < useful; t++) others.emplace_back([this] { work(false); });
            } catch (...) {
                fail();
            }
            work(true);
            for (std::thread& t : others) t.join();
        }
        if (failure) std::rethrow_exception(failure);
    }

private:
    static const long small_design = 1 << 20, spare_stack = 16 << 20;

    static void* work_of(void* self) {
        batch& b = *static_cast<batch*>(self);
        b.work(false);
        std::lock_guard<std::mutex> lock(b.guard);
        b.running--;
        b.ended.notify_all();
        return nullptr;
    }

    void run_on_large_stacks(long threads) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, size_t(4 * design.tensors + spare_stack));
        std::vector<pthread_t> workers;
        running = threads;
        for (long t = 0; t < threads; t++) {
            pthread_t id;
            if (pthread_create(&id, &attributes, work_of, this) == 0) {
                workers.push_back(id);
                continue;
            }
            std::lock_guard<std::mutex> lock(guard);
            running--;
            if (!failure) failure = std::make_exception_ptr(std::runtime_error(
                "a thread with a stack of " + std::to_string(4 * design.tensors + spare_stack) + " bytes cannot be made"));
            next = chunks;
        }
        pthread_attr_destroy(&attributes);
        wait_for_workers();
        for (const pthread_t id : workers) pthread_join(id, nullptr);
    }

    void wait_for_workers() {
        std::unique_lock<std::mutex> lock(guard);
        while (!ended.wait_for(lock, std::chrono::milliseconds(200), [this] { return running == 0; })) {
            lock.unlock();
            try {
                py::gil_scoped_acquire gil;
                if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            } catch (...) {
                fail();
            }
            lock.lock();
        }
    }

    long running = 0;
    std::condition_variable ended;
};

// ---------------------------------------------------------------------------------------- Python

std::string port_name(const char* what, size_t i) { return std::string(what) + " " + std::to_string(i); }

kind kind_of(const py::array& a, size_t port) {
    const char k = a.dtype().kind();
    const long size = a.itemsize();
    if (k == 'f' && size == 4) return kind::f32;
    if (k == 'f' && size == 8) return kind::f64;
    if (k == 'b') return kind::u8;
    if (k == 'i') return size == 1 ? kind::i8 : size == 2 ? kind::i16 : size == 4 ? kind::i32 : kind::i64;
    if (k == 'u') return size == 1 ? kind::u8 : size == 2 ? kind::u16 : size == 4 ? kind::u32 : kind::u64;
    throw py::type_error(port_name("input", port) + " has dtype " + std::string(py::str(a.dtype())) +
                         "; give float32, float64, or integers");
}

// An array the conversion reads in place; rare dtypes (float16, long double, other byte orders) are copied.
py::array readable(const py::array& a) {
    const char order = a.dtype().byteorder();
    const bool foreign = order == '>';
    const bool odd = a.dtype().kind() == 'f' && a.itemsize() != 4 && a.itemsize() != 8;
    if (odd) return py::array(a.attr("astype")("float64"));
    if (foreign) return py::array(a.attr("astype")(a.dtype().attr("newbyteorder")("=")));
    return a;
}

class instance {
    const emu::design& design;
    std::vector<std::unique_ptr<char[]>> storage;
    std::vector<const void*> constants;

public:
    std::vector<long> last_clipped;

    instance(const emu::design& d, const py::list& values) : design(d), last_clipped(d.n_inputs, 0) {
        if (long(values.size()) != d.n_constants)
            throw py::value_error("the design has " + std::to_string(d.n_constants) + " constants, found " +
                                  std::to_string(values.size()));
        for (int i = 0; i < d.n_constants; i++) add(i, values[i]);
    }

    void add(int i, const py::handle& value) {
        typedef py::array_t<int64_t, py::array::c_style> words;
        const emu::constant& c = design.constants[i];
        const bool pair = py::isinstance<py::tuple>(value);
        const words upper = words::ensure(pair ? py::object(py::tuple(py::reinterpret_borrow<py::object>(value))[0])
                                               : py::reinterpret_borrow<py::object>(value));
        if (!upper) throw py::error_already_set();
        py::array_t<uint64_t, py::array::c_style> lower;
        if (pair) lower = py::array_t<uint64_t, py::array::c_style>(
            py::object(py::tuple(py::reinterpret_borrow<py::object>(value))[1]).attr("astype")("uint64"));
        if (upper.size() != c.count || (pair && lower.size() != c.count))
            throw py::value_error(port_name("constant", i) + " has " + std::to_string(upper.size()) + " words, expected " +
                                  std::to_string(c.count));
        storage.emplace_back(new char[size_t(c.count) * c.bytes + 16]);
        char* out = storage.back().get();
        for (long k = 0; k < c.count; k++) {
            const int128 v = pair ? int128(uint128(upper.data()[k]) << 64 | lower.data()[k]) : int128(upper.data()[k]);
            const int spare = 128 - 8 * c.bytes;
            if (((v << spare) >> spare) != v)
                throw py::value_error(port_name("constant", i) + ", word " + std::to_string(k) + " does not fit its " +
                                      std::to_string(c.bytes) + " bytes");
            __builtin_memcpy(out + k * c.bytes, &v, c.bytes);  // little-endian
        }
        constants.push_back(out);
    }

    py::list predict(const py::list& arrays, int threads, bool raw) {
        if (long(arrays.size()) != design.n_inputs)
            throw py::value_error("the design has " + std::to_string(design.n_inputs) + " inputs, found " +
                                  std::to_string(arrays.size()));
        if (threads < 1) throw py::value_error("threads is " + std::to_string(threads) + "; it must be at least 1");
        std::vector<py::array> kept;
        std::vector<input_view> inputs;
        long samples = -1;
        for (int i = 0; i < design.n_inputs; i++) {
            py::array a = py::array::ensure(arrays[i]);
            if (!a) throw py::error_already_set();
            kept.push_back(readable(a));
            const py::array& array = kept.back();
            if (array.ndim() != 2 || array.shape(1) != design.inputs[i].elements)
                throw py::value_error(port_name("input", i) + " has shape " +
                                      std::string(py::str(array.attr("shape"))) + "; expected (samples, " +
                                      std::to_string(design.inputs[i].elements) + ")");
            if (samples >= 0 && array.shape(0) != samples)
                throw py::value_error(port_name("input", i) + " has " + std::to_string(array.shape(0)) +
                                      " samples, the inputs before it " + std::to_string(samples));
            samples = array.shape(0);
            inputs.push_back({kind_of(array, i), static_cast<const char*>(array.data()), array.strides(0),
                              array.strides(1), int(array.itemsize())});
        }
        py::list results;
        std::vector<output_view> outputs;
        for (int i = 0; i < design.n_outputs; i++) add_output(design.outputs[i], std::max(samples, 0l), raw, results, outputs);
        batch work(design, constants, inputs, outputs, std::max(samples, 0l), threads);
        {
            py::gil_scoped_release unlocked;
            work.run(threads);
        }
        last_clipped = work.outside;
        return results;
    }

    static void add_output(const emu::port& p, long samples, bool raw, py::list& results, std::vector<output_view>& views) {
        const std::vector<py::ssize_t> shape = {samples, p.elements};
        const form type = output_form(p.type, raw);
        if (type == form::raw_pair) {
            py::array_t<int64_t> upper(shape);
            py::array_t<uint64_t> lower(shape);
            views.push_back({type, upper.mutable_data(), lower.mutable_data()});
            results.append(py::make_tuple(upper, lower));
            return;
        }
        py::array a = type == form::f32 ? py::array(py::array_t<float>(shape))
                      : type == form::f64 ? py::array(py::array_t<double>(shape))
                                          : py::array(py::array_t<int64_t>(shape));
        views.push_back({type, a.mutable_data(), nullptr});
        results.append(a);
    }
};

py::list describe_ports(const emu::port* ports, int n) {
    static const char* const roundings[] = {"RND", "RND_ZERO", "RND_MIN_INF", "RND_INF", "RND_CONV", "TRN", "TRN_ZERO"};
    static const char* const overflows[] = {"SAT", "SAT_ZERO", "SAT_SYM", "WRAP", "WRAP_SM"};
    py::list list;
    for (const emu::port* p = ports; p < ports + n; p++) {
        py::dict d;
        d["elements"] = p->elements;
        d["width"] = p->type.width;
        d["integer"] = p->type.width - p->type.frac;
        d["signed"] = p->type.is_signed;
        d["rounding"] = roundings[p->type.rounding];
        d["overflow"] = overflows[p->type.overflow];
        d["saturation_bits"] = p->type.saturation_bits;
        d["native_bits"] = 8 * p->native_bytes;
        list.append(d);
    }
    return list;
}

void define(py::module_& m, const emu::design& design) {
    if (design.lanes != L)
        throw py::import_error("the design was compiled for " + std::to_string(design.lanes) +
                               " lanes, the bindings for " + std::to_string(L) + "; build both with the same flags");
    m.attr("lanes") = L;
    m.attr("inputs") = describe_ports(design.inputs, design.n_inputs);
    m.attr("outputs") = describe_ports(design.outputs, design.n_outputs);
    py::list constants;
    for (int i = 0; i < design.n_constants; i++)
        constants.append(py::make_tuple(design.constants[i].count, design.constants[i].bytes));
    m.attr("constants") = constants;
    py::class_<instance>(m, "Instance", py::module_local(), "A design with its own weights.")
        .def(py::init([&design](const py::list& values) { return new instance(design, values); }), py::arg("constants"),
             "constants: one int64 array of mantissas each, or (int64 upper, uint64 lower) beyond 63 bits.")
        .def("predict", &instance::predict, py::arg("inputs"), py::arg("threads") = 1, py::arg("raw") = false,
             "inputs: one array (samples, elements) each. Returns one array each: float32 where 24 bits hold\n"
             "the type, else float64; raw: int64 mantissas, or (int64 upper, uint64 lower) beyond 63 bits.")
        .def_readonly("last_clipped", &instance::last_clipped, "Input values out of range in the last predict, per input.");
}

}  // namespace

extern "C" PyObject* hlsgen_create_module(const emu::design* design, const char* name) {
    static PyModuleDef definition;
    try {
        py::detail::get_internals();
        auto m = py::module_::create_extension_module(name, nullptr, &definition);
        define(m, *design);
        return m.release().ptr();
    } catch (py::error_already_set& e) {
        py::raise_from(e, PyExc_ImportError, "initialization of an emulated design failed");
    } catch (const std::exception& e) {
        PyErr_SetString(PyExc_ImportError, e.what());
    }
    return nullptr;
}
