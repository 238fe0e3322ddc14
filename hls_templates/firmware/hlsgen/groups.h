// Groups of a product: its outputs in equal parts, each of which has n_in inputs of its own. C says how many there are
// by a member `groups`; without one there is one group, as of every product of a whole matrix.
//
// groups_of<C>()            how many
// outputs_of_group<C>()     outputs of each
// inputs_of<C>()            inputs of all
// first_input<C>(j)         where the inputs of output j begin; those of a group lie side by side
#ifndef HLSGEN_GROUPS_H
#define HLSGEN_GROUPS_H

namespace hlsgen {
namespace detail {

template <class C, class = void> struct groups_in {
    static const int value = 1;
};
template <class C> struct groups_in<C, decltype(static_cast<void>(C::groups))> {
    static const int value = C::groups;
};

}  // namespace detail

template <class C>
constexpr int groups_of() {
    return detail::groups_in<C>::value;
}

template <class C>
constexpr int outputs_of_group() {
    return C::n_out / groups_of<C>();
}

template <class C>
constexpr int inputs_of() {
    return C::n_in * groups_of<C>();
}

template <class C>
constexpr int first_input(int output) {
    return output / outputs_of_group<C>() * C::n_in;
}

}  // namespace hlsgen

#endif
