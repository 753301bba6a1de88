/** Written by rules.py from special.py. */
export const bernoulli: number[];
export const digammaZero: number[];
export const digammaSeries: number[];
export const lgammaAt1: number[];
export const lgammaAt2: number[];
