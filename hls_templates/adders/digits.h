// Canonical signed digits: the form of an integer with the fewest digits +1 and -1, no two of them side by side.
#ifndef HLSGEN_ADDERS_DIGITS_H
#define HLSGEN_ADDERS_DIGITS_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hlsgen {
namespace adders {

// Non-zero canonical digits of a number: they stand where the number and its triple differ (Reitwiesner 1960).
inline int count_digits(int64_t n) {
    const uint64_t magnitude = n < 0 ? -uint64_t(n) : uint64_t(n);
    return __builtin_popcountll(magnitude ^ 3 * magnitude);
}

// Call visit(shift, sign) for each canonical digit.
template <class Visit>
void each_digit(int64_t n, Visit visit) {
    for (int shift = 0; n != 0; shift++, n >>= 1)
        if (n & 1) {
            const int sign = 2 - int(n & 3);
            visit(shift, sign);
            n -= sign;
        }
}

// Constants, row by row: an input each; a column each output.
struct Matrix {
    int rows, columns;
    std::vector<int64_t> numbers;

    int64_t at(int row, int column) const { return numbers[size_t(row) * columns + column]; }

    // What is left of an entry without `sign` times that of another column (-1: none).
    int64_t without(int row, int column, int other, int sign) const {
        return at(row, column) - (other < 0 ? 0 : sign * at(row, other));
    }

    int digits(int column, int other, int sign) const {
        int n = 0;
        for (int r = 0; r < rows; r++) n += count_digits(without(r, column, other, sign));
        return n;
    }
};

}  // namespace adders
}  // namespace hlsgen

#endif
