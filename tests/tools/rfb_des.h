/* DES for the password of RFB (FIPS 46-3; RFC 6143, 7.2.2): one block, the key's bits mirrored in
 * each byte. */
#ifndef TESTS_TOOLS_RFB_DES_H
#define TESTS_TOOLS_RFB_DES_H

void rfb_des(const unsigned char key[8], const unsigned char in[8], unsigned char out[8]);

#endif
