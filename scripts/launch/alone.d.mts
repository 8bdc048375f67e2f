export declare function alone<T>(lock: string, work: () => T | Promise<T>): Promise<T>;
