// The Python side of every emulated design: the same text for all, compiled once.
//
// Module: `lanes`, `inputs`, `outputs`, `constants` (what the design expects), `Instance`, and of a check of streams
// `set_depths` and `fifos`.
#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <hlsgen/emulate.h>

#include "bindings/batch.h"

namespace py = pybind11;

namespace {

using namespace hlsgen::bindings;
using hlsgen::int128;
using hlsgen::uint128;
namespace emu = hlsgen::emu;

std::string port_name(const char* what, size_t i) { return std::string(what) + " " + std::to_string(i); }

kind kind_of(const py::array& a, size_t port) {
    const char k = a.dtype().kind();
    const long size = a.itemsize();
    if (k == 'f' && size == 2) return kind::f16;
    if (k == 'f' && size == 4) return kind::f32;
    if (k == 'f' && size == 8) return kind::f64;
    if (k == 'b') return kind::u8;
    if (k == 'i') return size == 1 ? kind::i8 : size == 2 ? kind::i16 : size == 4 ? kind::i32 : kind::i64;
    if (k == 'u') return size == 1 ? kind::u8 : size == 2 ? kind::u16 : size == 4 ? kind::u32 : kind::u64;
    throw py::type_error(port_name("input", port) + " has dtype " + std::string(py::str(a.dtype())) +
                         "; give floats of 16, 32 or 64 bits, or integers");
}

long elements_of(const py::array& a) {
    long product = 1;
    for (int d = 1; d < a.ndim(); d++) product *= a.shape(d);
    return product;
}

// Bytes from element to element along the last axis; the strides of axes of length 1 mean nothing.
long column_step(const py::array& a) {
    for (int d = int(a.ndim()) - 1; d > 0; d--)
        if (a.shape(d) != 1) return a.strides(d);
    return a.itemsize();
}

// The offset of every element of a sample, in bytes; empty if each is column_step from the one before.
std::vector<long> offsets_of(const py::array& a, long elements) {
    bool even = true;
    long step = column_step(a);
    for (int d = int(a.ndim()) - 1; d > 0; d--) {
        if (a.shape(d) != 1 && a.strides(d) != step) even = false;
        step *= a.shape(d);
    }
    std::vector<long> offsets(even ? 0 : size_t(elements));
    for (size_t e = 0; e < offsets.size(); e++) {
        long rest = long(e);
        for (int d = int(a.ndim()) - 1; d > 0; d--) {
            offsets[e] += rest % a.shape(d) * a.strides(d);
            rest /= a.shape(d);
        }
    }
    return offsets;
}

// What is done a few times a second while a batch runs: Ctrl-C is heeded, and who asked for it is told how far it is.
std::function<void(long)> attention(const py::object& report) {
    return [&report](long samples) {
        py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        if (!report.is_none()) report(samples);
    };
}

class instance {
    const emu::design& design;
    std::vector<std::unique_ptr<char[]>> storage;
    std::vector<hlsgen::constant_data> constants;
    mutable hlsgen::prepared::store prepared;  // filled by what runs first

public:
    instance(const emu::design& d, const py::list& values) : design(d) {
        if (long(values.size()) != d.n_constants)
            throw py::value_error("the design has " + std::to_string(d.n_constants) + " constants, found " +
                                  std::to_string(values.size()));
        for (int i = 0; i < d.n_constants; i++) add_constant(i, values[i]);
        d.bind(constants.data(), prepared);  // every part of the design agrees with what the design says of itself
    }

    // Returns the outputs, and how many values of each input were out of range.
    py::tuple predict(const py::list& given, int threads, bool raw, const py::object& report) const {
        if (long(given.size()) != design.n_inputs)
            throw py::value_error("the design has " + std::to_string(design.n_inputs) + " inputs, found " +
                                  std::to_string(given.size()));
        if (threads < 1) throw py::value_error("threads is " + std::to_string(threads) + "; it must be at least 1");
        std::vector<py::array> kept;  // views of the arrays must outlive the run
        arrays data{{}, {}, 0};
        for (int i = 0; i < design.n_inputs; i++) {
            kept.push_back(py::array::ensure(given[i]));
            if (!kept.back()) throw py::error_already_set();
            add_input(i, kept.back(), data);
        }
        py::list results;
        for (int i = 0; i < design.n_outputs; i++) add_output(design.outputs[i], raw, results, data);
        std::vector<long> outside;
        try {
            batch work(design, constants.data(), prepared, data, threads, attention(report));
            py::gil_scoped_release unlocked;
            outside = work.run(threads);
        } catch (const bad_value& bad) {
            throw py::value_error(port_name("input", bad.port) + ", sample " + std::to_string(bad.sample) + ", element " +
                                  std::to_string(bad.element) +
                                  " is NaN; fixed point has no NaN, clean the data first");
        }
        return py::make_tuple(results, outside);
    }

private:
    void add_constant(int i, const py::handle& value) {
        typedef py::array_t<int64_t, py::array::c_style> words;
        const emu::constant& c = design.constants[i];
        const bool pair = py::isinstance<py::tuple>(value);
        const py::array first = py::array::ensure(pair ? py::object(py::tuple(py::reinterpret_borrow<py::object>(value))[0])
                                                       : py::reinterpret_borrow<py::object>(value));
        if (!first) throw py::error_already_set();
        if (first.dtype().kind() != 'i')
            throw py::value_error(port_name("constant", i) + " has dtype " + std::string(py::str(first.dtype())) +
                                  "; expected integers");
        const words upper = words::ensure(first);
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
            if (!fits(v, c))
                throw py::value_error(port_name("constant", i) + ", word " + std::to_string(k) + " does not fit its " +
                                      std::to_string(c.width) + " bits" + (c.is_signed ? "" : ", unsigned"));
            __builtin_memcpy(out + k * c.bytes, &v, c.bytes);  // little-endian
        }
        constants.push_back(hlsgen::constant_data{out, c.count});
    }

    // Whether a word has no more bits than the design says.
    static bool fits(int128 v, const emu::constant& c) {
        const int128 above = v >> (c.width - c.is_signed);
        return above == 0 || (c.is_signed && above == -1);
    }

    void add_input(int i, const py::array& a, arrays& data) const {
        const long elements = design.inputs[i].elements;
        if (a.ndim() < 2 || elements_of(a) != elements)
            throw py::value_error(port_name("input", i) + " has shape " + std::string(py::str(a.attr("shape"))) +
                                  "; expected (samples, " + std::to_string(elements) + ")");
        if (i > 0 && a.shape(0) != data.samples)
            throw py::value_error(port_name("input", i) + " has " + std::to_string(a.shape(0)) +
                                  " samples, the inputs before it " + std::to_string(data.samples));
        data.samples = a.shape(0);
        const bool swapped = !a.dtype().attr("isnative").cast<bool>();
        data.inputs.push_back({i, kind_of(a, i), swapped, static_cast<const char*>(a.data()), a.strides(0),
                               column_step(a), offsets_of(a, elements)});
    }

    static void add_output(const emu::port& p, bool raw, py::list& results, arrays& data) {
        const std::vector<py::ssize_t> shape = {data.samples, p.elements};
        const form type = output_form(p.type, raw);
        if (type == form::raw_pair) {
            py::array_t<int64_t> upper(shape);
            py::array_t<uint64_t> lower(shape);
            data.outputs.push_back({type, upper.mutable_data(), lower.mutable_data()});
            results.append(py::make_tuple(upper, lower));
            return;
        }
        py::array a = type == form::f32 ? py::array(py::array_t<float>(shape))
                      : type == form::f64 ? py::array(py::array_t<double>(shape))
                                          : py::array(py::array_t<int64_t>(shape));
        data.outputs.push_back({type, a.mutable_data(), nullptr});
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

// The streams of a check: (name, depth, most words at once, depth that it went on with) each, as the last run left them.
py::list describe_fifos(const emu::design& design) {
    py::list list;
    for (const emu::fifo* f = design.fifos; f < design.fifos + design.n_fifos; f++)
        list.append(py::make_tuple(f->name, f->depth, f->most, f->needed));
    return list;
}

void set_depths(const emu::design& design, const std::vector<long>& depths) {
    if (long(depths.size()) != design.n_fifos)
        throw py::value_error("the design has " + std::to_string(design.n_fifos) + " streams, found depths of " +
                              std::to_string(depths.size()));
    for (int i = 0; i < design.n_fifos; i++) {
        design.fifos[i].depth = depths[size_t(i)];
        design.fifos[i].most = design.fifos[i].needed = 0;
    }
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
        constants.append(py::make_tuple(design.constants[i].count, design.constants[i].width, design.constants[i].is_signed));
    m.attr("constants") = constants;
    m.def("fifos", [&design] { return describe_fifos(design); });
    m.def("set_depths", [&design](const std::vector<long>& depths) { set_depths(design, depths); }, py::arg("depths"));
    py::class_<instance>(m, "Instance", py::module_local(), "A design with its own weights.")
        .def(py::init([&design](const py::list& values) { return new instance(design, values); }), py::arg("constants"),
             "constants: one int64 array of mantissas each, or (int64 upper, uint64 lower) beyond 63 bits.")
        .def("predict", &instance::predict, py::arg("inputs"), py::arg("threads") = 1, py::arg("raw") = false,
             py::arg("report") = py::none(),
             "inputs: one array (samples, *shape) each, any dtype of real numbers, any strides. Returns a list of\n"
             "arrays and a list of counts. An array for each output: float32 where 24 bits hold the type, else\n"
             "float64; raw: int64 mantissas, or (int64 upper, uint64 lower) beyond 63 bits. A count for each input:\n"
             "how many of its values were out of range. report: called with the number of samples that are begun,\n"
             "a few times a second.");
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
