// Whether the last period of a range still grows.

import { today } from "../dates.js";

export const isOpenPeriod = (range) => range.to >= today();
