// The Python side of the search for shared adders: the module's only function is `search`.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "search.h"

namespace py = pybind11;

namespace {

using namespace hlsgen::adders;
template <class T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

// Ends the search if the user wants to.
void see_to_signals() {
    py::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

// One row each: left, left shift, right, right shift, whether the right one is subtracted.
Array<int64_t> rows_of(const std::vector<Adder>& adders) {
    Array<int64_t> rows({py::ssize_t(adders.size()), py::ssize_t(5)});
    auto row = rows.mutable_data();
    for (const Adder& a : adders)
        for (const int64_t field : {a.left, a.left_shift, a.right, a.right_shift, int(a.subtract)}) *row++ = field;
    return rows;
}

// One row each: node (-1: the output is zero), shift, whether it is negated.
Array<int64_t> rows_of(const std::vector<Term>& outputs) {
    Array<int64_t> rows({py::ssize_t(outputs.size()), py::ssize_t(3)});
    auto row = rows.mutable_data();
    for (const Term& t : outputs)
        for (const int64_t field : {t.node, t.shift, int(t.sign < 0)}) *row++ = field;
    return rows;
}

py::tuple search_matrix(const Array<int64_t>& matrix, const Array<double>& low, const Array<double>& high, int slack,
                        int unit, int tries) {
    const int inputs = int(matrix.shape(0)), outputs = int(matrix.shape(1));
    const Request request{{inputs, outputs, {matrix.data(), matrix.data() + matrix.size()}},
                          {low.data(), low.data() + inputs},
                          {high.data(), high.data() + inputs},
                          slack,
                          unit};
    const Program found = [&] {
        py::gil_scoped_release released;
        return search(request, tries, see_to_signals);
    }();
    return py::make_tuple(rows_of(found.graph.adders()), rows_of(found.outputs), found.cost());
}

}  // namespace

PYBIND11_MODULE(HLSGEN_MODULE, m) {
    m.attr("most_tries") = most_tries;
    m.def("search", &search_matrix, py::arg("matrix"), py::arg("low"), py::arg("high"), py::arg("slack"),
          py::arg("unit"), py::arg("tries"),
          "matrix (inputs, outputs); low, high (inputs,). Returns adders (n, 5), outputs (outputs, 3), their cost.");
}
