//go:build !purego

#include "textflag.h"

// letters holds, at the index of each control character that has one, its letter after a backslash.
DATA letters<>+0(SB)/8, $0x0000000000000000
DATA letters<>+8(SB)/8, $0x00007266006e7462
GLOBL letters<>(SB), RODATA|NOPTR, $16

// Vectors of one repeated byte: the last control character, quote, backslash, and what moves the
// control characters below 16 to an index and all other bytes beyond it.
DATA last<>+0(SB)/8, $0x1f1f1f1f1f1f1f1f
DATA last<>+8(SB)/8, $0x1f1f1f1f1f1f1f1f
GLOBL last<>(SB), RODATA|NOPTR, $16
DATA quote<>+0(SB)/8, $0x2222222222222222
DATA quote<>+8(SB)/8, $0x2222222222222222
GLOBL quote<>(SB), RODATA|NOPTR, $16
DATA backslash<>+0(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA backslash<>+8(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL backslash<>(SB), RODATA|NOPTR, $16
DATA index<>+0(SB)/8, $0x7070707070707070
DATA index<>+8(SB)/8, $0x7070707070707070
GLOBL index<>(SB), RODATA|NOPTR, $16

// func escapeSSSE3(dst, src []byte) (read, written int, high byte)
//
// X0 the step, X1 its control characters, X15 all that was read, AX the mask of what is escaped.
TEXT ·escapeSSSE3(SB), NOSPLIT, $0-65
	MOVQ  dst_base+0(FP), DI
	MOVQ  src_base+24(FP), SI
	MOVQ  src_len+32(FP), CX
	LEAQ  ·expandShuffles(SB), R8
	MOVOU last<>(SB), X8
	MOVOU quote<>(SB), X9
	MOVOU backslash<>(SB), X10
	MOVOU index<>(SB), X11
	MOVOU letters<>(SB), X12
	PXOR  X15, X15

step:
	SUBQ     $16, CX
	JLT      done
	MOVOU    (SI), X0
	MOVO     X0, X1
	PMINUB   X8, X1
	PCMPEQB  X0, X1
	MOVO     X0, X2
	PCMPEQB  X9, X2
	MOVO     X0, X3
	PCMPEQB  X10, X3
	POR      X1, X2
	POR      X3, X2
	PMOVMSKB X2, AX
	TESTL    AX, AX
	JNZ      special
	POR      X0, X15
	MOVOU    X0, (DI)
	ADDQ     $16, SI
	ADDQ     $16, DI
	JMP      step

special:
	PMOVMSKB X1, BX
	TESTL    BX, BX
	JNZ      control

expand:
	POR     X0, X15
	MOVBLZX AX, BX
	SHRL    $8, AX
	POPCNTL BX, DX
	POPCNTL AX, R9
	SHLL    $4, BX
	SHLL    $4, AX

	// The first eight bytes.
	MOVOU   (R8)(BX*1), X4
	MOVO    X0, X5
	PSHUFB  X4, X5
	PXOR    X6, X6
	PCMPGTB X4, X6
	PAND    X10, X6
	POR     X6, X5
	MOVOU   X5, (DI)
	LEAQ    8(DI)(DX*1), DI

	// The other eight.
	PSRLO   $8, X0
	MOVOU   (R8)(AX*1), X4
	PSHUFB  X4, X0
	PXOR    X6, X6
	PCMPGTB X4, X6
	PAND    X10, X6
	POR     X6, X0
	MOVOU   X0, (DI)
	LEAQ    8(DI)(R9*1), DI
	ADDQ    $16, SI
	JMP     step

control:
	// Put the letters in place, or stop before this step if a control character has none.
	MOVO     X0, X4
	PADDUSB  X11, X4
	MOVO     X12, X5
	PSHUFB   X4, X5
	PXOR     X6, X6
	PCMPEQB  X5, X6
	PAND     X1, X6
	PMOVMSKB X6, BX
	TESTL    BX, BX
	JNZ      done
	PANDN    X0, X1
	POR      X5, X1
	MOVO     X1, X0
	JMP      expand

done:
	SUBQ     dst_base+0(FP), DI
	SUBQ     src_base+24(FP), SI
	MOVQ     SI, read+48(FP)
	MOVQ     DI, written+56(FP)
	PMOVMSKB X15, AX
	TESTL    AX, AX
	SETNE    AX
	SHLL     $7, AX
	MOVB     AX, high+64(FP)
	RET

// func escapeVBMI2(dst, src []byte) (read, written int, high byte)
//
// Y0 the step, R11 its length, K5 its bytes, K1 its control characters, Y15 all that was read, AX the
// mask of what is escaped. To expand, a backslash is put before every byte, and those that are not
// wanted are squeezed out.
TEXT ·escapeVBMI2(SB), NOSPLIT, $0-65
	MOVQ         dst_base+0(FP), DI
	MOVQ         src_base+24(FP), SI
	MOVQ         src_len+32(FP), CX
	VPBROADCASTB last<>(SB), Y8
	VPBROADCASTB quote<>(SB), Y9
	VPBROADCASTB backslash<>(SB), Y10
	VPBROADCASTB index<>(SB), Y11
	VBROADCASTI128 letters<>(SB), Y12
	MOVL         $0x005c, AX
	VPBROADCASTW AX, Z13
	MOVQ         $0x5555555555555555, R12
	MOVQ         $0xAAAAAAAAAAAAAAAA, R13
	KXNORD       K5, K5, K5
	MOVL         $32, R11
	VPXOR        Y15, Y15, Y15

step:
	CMPQ     CX, $32
	JLT      tail
	VMOVDQU  (SI), Y0

loaded:
	VPCMPUB  $2, Y8, Y0, K5, K1
	VPCMPEQB Y9, Y0, K2
	VPCMPEQB Y10, Y0, K3
	KORD     K1, K2, K2
	KORD     K2, K3, K3
	KMOVD    K3, AX
	TESTL    AX, AX
	JNZ      special
	VPOR     Y0, Y15, Y15
	VMOVDQU  Y0, (DI)
	ADDQ     R11, SI
	ADDQ     R11, DI
	SUBQ     R11, CX
	JMP      step

tail:
	TESTQ     CX, CX
	JZ        done
	MOVQ      CX, R11
	MOVL      $-1, BX
	BZHIL     CX, BX, BX
	KMOVD     BX, K5
	VMOVDQU8.Z (SI), K5, Y0
	JMP       loaded

special:
	KMOVD K1, BX
	TESTL BX, BX
	JNZ   control

expand:
	VPOR          Y0, Y15, Y15
	VPMOVZXBW     Y0, Z1
	VPSLLW        $8, Z1, Z1
	VPORQ         Z13, Z1, Z1
	PDEPQ         R12, AX, BX
	ORQ           R13, BX
	KMOVQ         BX, K6
	VPCOMPRESSB.Z Z1, K6, Z2
	VMOVDQU64     Z2, (DI)
	POPCNTL       AX, AX
	ADDQ          R11, SI
	ADDQ          R11, DI
	ADDQ          AX, DI
	SUBQ          R11, CX
	JMP           step

control:
	// Put the letters in place, or stop before this step if a control character has none.
	VPADDUSB  Y11, Y0, Y4
	VPSHUFB   Y4, Y12, Y5
	VPTESTNMB Y5, Y5, K6
	KANDD     K1, K6, K6
	KORTESTD  K6, K6
	JNZ       done
	VMOVDQU8  Y5, K1, Y0
	JMP       expand

done:
	SUBQ      dst_base+0(FP), DI
	SUBQ      src_base+24(FP), SI
	MOVQ      SI, read+48(FP)
	MOVQ      DI, written+56(FP)
	VPMOVMSKB Y15, AX
	TESTL     AX, AX
	SETNE     AX
	SHLL      $7, AX
	MOVB      AX, high+64(FP)
	VZEROUPPER
	RET

// func copyCleanVBMI2(dst, src []byte) (clean bool)
//
// Z16 a step of 64 bytes, K5 its bytes that are there, K1 to K4 those that are to be escaped or are not
// ASCII. Only registers above 15 are used, which leave nothing to be cleared for the code that follows.
TEXT ·copyCleanVBMI2(SB), NOSPLIT, $0-49
	MOVQ         dst_base+0(FP), DI
	MOVQ         src_base+24(FP), SI
	MOVQ         src_len+32(FP), CX
	VPBROADCASTQ last<>(SB), Z17
	VPBROADCASTQ quote<>(SB), Z18
	VPBROADCASTQ backslash<>(SB), Z19
	MOVQ         $-1, AX

step:
	BZHIQ      CX, AX, BX
	KMOVQ      BX, K5
	VMOVDQU8.Z (SI), K5, Z16
	VMOVDQU64  Z16, (DI)
	VPCMPUB    $2, Z17, Z16, K5, K1
	VPCMPEQB   Z18, Z16, K2
	VPCMPEQB   Z19, Z16, K3
	VPMOVB2M   Z16, K4
	KORQ       K1, K2, K1
	KORQ       K3, K4, K3
	KORTESTQ   K1, K3
	JNZ        dirty
	ADDQ       $64, SI
	ADDQ       $64, DI
	SUBQ       $64, CX
	JGT        step
	MOVB       $1, clean+48(FP)
	RET

dirty:
	MOVB $0, clean+48(FP)
	RET
