// Which arrays have too many elements for registers. `hlsgen lint` puts a call of fits() where a pragma partitions an
// array completely; clang warns of that line if there are more than Most (Dim 0: in all, else in that dimension).
#ifndef HLSGEN_LINT_REGISTERS_H
#define HLSGEN_LINT_REGISTERS_H

namespace hlsgen_lint {

template <class T> struct extent {
    static const long long all = 1;
    static constexpr long long of(int) { return 1; }
};
template <class T, decltype(sizeof(0)) N> struct extent<T[N]> {
    static const long long all = (long long)N * extent<T>::all;
    static constexpr long long of(int dim) { return dim == 1 ? (long long)N : extent<T>::of(dim - 1); }
};
template <class T> struct extent<T&> : extent<T> {};

template <long long Most, int Dim, class T, bool TooMany = ((Dim == 0 ? extent<T>::all : extent<T>::of(Dim)) > Most)>
struct registers {
    __attribute__((always_inline)) static void fits() {}
};
template <long long Most, int Dim, class T> struct registers<Most, Dim, T, true> {
    [[deprecated]] __attribute__((always_inline)) static void fits() {}
};

}  // namespace hlsgen_lint

#endif
