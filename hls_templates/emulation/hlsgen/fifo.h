// What a check of streams says of one of them to the bindings.
#ifndef HLSGEN_FIFO_H
#define HLSGEN_FIFO_H

namespace hlsgen {
namespace emu {

struct fifo {
    const char* name;
    long depth;   // how many words it may hold
    long most;    // how many it held at once, at most
    long needed;  // the depth that the design went on with where it had stopped, else 0
};

}  // namespace emu
}  // namespace hlsgen

#endif
