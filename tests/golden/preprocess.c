#define placing placing_0
#define nearest nearest_0
#define slope_of slope_of_0
#define placing_of placing_of_0
#define add_row add_row_0
#define put_row put_row_0
#define input_of input_of_0
/* Where a digit lies: the pixel nearest to its centre of mass, and how far it leans by a row, in 256ths of a column. */
typedef struct {
    int row, column, slope;
    uint32_t background;
} placing;

/* Returns moment / mass, rounded, by subtraction: it is at most 27, and not every core divides. */
static int32_t nearest(int32_t moment, int32_t mass)
{
    int32_t place = 0;

    for (moment = 2 * moment - mass; moment >= 0; moment -= 2 * mass) {
        ++place;
    }
    return place;
}

/* Returns 256 * mixed / squares, cut towards 0 and to -256 ... 256, digit by digit. */
static int slope_of(int32_t mixed, int32_t squares)
{
    int32_t rest = mixed < 0 ? -mixed : mixed;
    int slope = 0;

    if (rest >= squares) {
        slope = squares > 0 ? 256 : 0;
    } else {
        for (int i = 0; i < 8; ++i) {
            rest *= 2;
            slope *= 2;
            if (rest >= squares) {
                rest -= squares;
                ++slope;
            }
        }
    }
    return mixed < 0 ? -slope : slope;
}

/* By moments, of which no part is above 27 * 27 * 784 * 255 < 2^28. */
static placing placing_of(const uint8_t *pixels, int invert)
{
    int32_t mass = 0, across = 0, down = 0, mixed = 0, squares = 0;
    placing found = { 14, 14, 0, invert ? 255u : 0u };

    for (int32_t y = 0; y < 28; ++y, pixels += 28) {
        int32_t ink = 0, sideways = 0;

        /* From the right: each pixel is then counted as often as its column says. */
        for (int x = 27; x > 0; --x) {
            ink += pixels[x];
            sideways += ink;
        }
        ink += pixels[0];
        if (invert) {
            ink = 7140 - ink;
            sideways = 96390 - sideways;
        }
        mass += ink;
        across += sideways;
        down += y * ink;
        mixed += y * sideways;
        squares += y * y * ink;
    }
    if (mass != 0) {
        const int32_t row = nearest(down, mass), column = nearest(across, mass);

        found.row = (int)row;
        found.column = (int)column;
        /* The same moments as seen from there. */
        mixed += row * column * mass - column * down - row * across;
        squares += row * row * mass - 2 * row * down;
        found.slope = slope_of(mixed, squares);
    }
    return found;
}

/* Returns the input for a sum of pixels whose weights are 25 together. */
static int8_t input_of(uint32_t sum, int invert)
{
    const uint32_t light = invert ? 6375u - sum : sum;
    uint32_t pixel = (light + 12u) * 5243u >> 17; /* rounded light / 25 */

    pixel = ((pixel + 8u) * 241u >> 12) * 17u; /* the nearest multiple of 17 */
    return (int8_t)((int32_t)pixel - 128);
}

/* Adds weight times row y of the window, moved as the digit asks, to the sums of its columns. */
static void add_row(const uint8_t *pixels, const placing *digit, int y, uint32_t weight, uint32_t *columns)
{
    const int row = y + digit->row - 10;
    int x = 0, first = digit->column - 10, last = 0;

    if (row >= 0 && row < 28) {
        /* The nearest column, halves to the right; above 0 before it is cut, so that it means the same everywhere. */
        first += ((digit->slope * (row - digit->row) + 7296) >> 8) - 28;
        last = first > 8 ? 28 - first : 20;
        pixels += 28 * row;
    }
    for (; x < 20 && x < -first; ++x) {
        columns[x] += weight * digit->background;
    }
    for (; x < last; ++x) {
        columns[x] += weight * pixels[first + x];
    }
    for (; x < 20; ++x) {
        columns[x] += weight * digit->background;
    }
}

void v0_preprocess(const uint8_t *pixels, int invert, int8_t *input)
{
    const placing digit = placing_of(pixels, invert);
    /* Sides in parts of a pixel: 4 are a pixel's, 5 an average's; what is left of row y. */
    uint32_t left = 4;
    int y = 0;

    for (int r = 0; r < 16; ++r) {
        uint32_t columns[20] = { 0 };
        const uint32_t *column = columns;

        for (uint32_t room = 5; room > 0;) {
            const uint32_t weight = left < room ? left : room;

            add_row(pixels, &digit, y, weight, columns);
            room -= weight;
            left -= weight;
            if (left == 0) {
                left = 4;
                ++y;
            }
        }
        for (int c = 0; c < 16; c += 4, column += 5, input += 4) {
            input[0] = input_of(4u * column[0] + column[1], invert);
            input[1] = input_of(3u * column[1] + 2u * column[2], invert);
            input[2] = input_of(2u * column[2] + 3u * column[3], invert);
            input[3] = input_of(column[3] + 4u * column[4], invert);
        }
    }
}


#undef placing
#undef nearest
#undef slope_of
#undef placing_of
#undef add_row
#undef put_row
#undef input_of

#define placing placing_1
#define nearest nearest_1
#define slope_of slope_of_1
#define placing_of placing_of_1
#define add_row add_row_1
#define put_row put_row_1
#define input_of input_of_1
/* Returns the input for a sum of pixels whose weights are 4 together. */
static int8_t input_of(uint32_t sum, int invert)
{
    const uint32_t light = invert ? 1020u - sum : sum;
    const uint32_t pixel = (light + 2u) >> 2; /* rounded light / 4 */

    return (int8_t)((int32_t)pixel - 128);
}

void v1_preprocess(const uint8_t *pixels, int invert, int8_t *input)
{
    pixels += 58;
    for (int r = 0; r < 12; ++r, pixels += 56) {
        for (int c = 0; c < 12; ++c) {
            const uint8_t *corner = pixels + 2 * c;
            uint32_t sum = 0;

            for (int y = 0; y < 2; ++y, corner += 28) {
                for (int x = 0; x < 2; ++x) {
                    sum += corner[x];
                }
            }
            *input++ = input_of(sum, invert);
        }
    }
}


#undef placing
#undef nearest
#undef slope_of
#undef placing_of
#undef add_row
#undef put_row
#undef input_of

#define placing placing_2
#define nearest nearest_2
#define slope_of slope_of_2
#define placing_of placing_of_2
#define add_row add_row_2
#define put_row put_row_2
#define input_of input_of_2
/* Returns the input for a pixel. */
static int8_t input_of(uint32_t pixel)
{
    pixel = pixel < 128u ? 0u : 255u; /* the nearest multiple of 255 */
    return (int8_t)((int32_t)pixel - 128);
}

void v2_preprocess(const uint8_t *pixels, int invert, int8_t *input)
{
    const uint8_t flip = invert ? 255u : 0u; /* of all bits turns dark on light */

    for (int r = 0; r < 28; ++r, pixels += 28) {
        for (int c = 0; c < 28; ++c) {
            *input++ = input_of((uint32_t)(pixels[c] ^ flip));
        }
    }
}


#undef placing
#undef nearest
#undef slope_of
#undef placing_of
#undef add_row
#undef put_row
#undef input_of
