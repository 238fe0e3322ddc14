// Walks a stream of packs through channels (or slopes, or another tensor) that repeat along it: which channel each
// element of the current pack has.
//
// A pack holds whole rounds of the channels, or the channels are whole packs. So lane i of a pack only ever sees
// channels of its own, i, i + lanes, i + 2 * lanes, ..: constants of the channels partitioned cyclically by `lanes`
// have a bank for each, read at one address, the step.
#ifndef HLSGEN_CHANNEL_WALK_H
#define HLSGEN_CHANNEL_WALK_H

#include <hlsgen/arith.h>

namespace hlsgen {

template <int pack_size, int channels>
struct channel_walk {
    static_assert(pack_size % channels == 0 || channels % pack_size == 0, "packs must fit the channels");
    static const int lanes = pack_size < channels ? pack_size : channels;
    static const int steps = channels / lanes;  // packs until the channels begin again

    counter<steps - 1> step = 0;

    // The channel of element i of the pack.
    int channel(int i) const {
#pragma HLS INLINE
        return (steps > 1 ? int(step) * lanes : 0) + i % lanes;
    }

    // On to the next pack.
    void advance() {
#pragma HLS INLINE
        step = int(step) == steps - 1 ? 0 : int(step) + 1;
    }
};

}  // namespace hlsgen

#endif
