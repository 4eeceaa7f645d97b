/* Long runs against the host processor: oraclerun [-n CASES] [-s SEED] [-1] [-f DIFFERENCES] [-d
 * FOLDER] [-o OPERATION] [-x] [-q] [-r]. -1: only the case of this seed; -d: write differences as
 * regression files; -x: exec only; -q: sums only; -r: print the rules. */
#include "tests/lock/oracle.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static struct ora_series s = {.count = 100000, .most = 10, .only_op = -1};
    s.seed = (u64)time(NULL) << 20;
    for (int c; (c = getopt(argc, argv, "n:s:1f:d:o:xqr")) != -1;)
        switch (c) {
        case 'n': s.count = strtoull(optarg, NULL, 0); break;
        case 's': s.seed = strtoull(optarg, NULL, 0); break;
        case '1': s.count = 1; break;
        case 'f': s.most = strtoull(optarg, NULL, 0); break;
        case 'd': s.cases_dir = optarg; break;
        case 'o':
            for (s32 i = 0; i < OP__COUNT; i++)
                if (!strcmp(op_info[i].name, optarg))
                    s.only_op = i;
            break;
        case 'x': s.no_jit = true; break;
        case 'q': s.quiet = true; break;
        case 'r': ora_rules_print(stdout); return 0;
        default: return 2;
        }
    printf("seed 0x%llx\n", (unsigned long long)s.seed);
    fflush(stdout);
    if (!ora_series(&s, stdout))
        return 0;
    return s.differ != 0;
}
